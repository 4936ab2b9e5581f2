// Arms that a race chooses, under each seed anew: choose, gate. Private to room compare.
#ifndef POPAUG_COMPARE_RACED_H_
#define POPAUG_COMPARE_RACED_H_

#include "popaug/compare/comparison.h"
#include "popaug/compare/race.h"

namespace popaug {

// The race of such an arm under a seed: the settings' race_share of a budget whose rest is one
// training of the comparison. Rounds of different seeds share no seed, so the choices are
// independent but for the split.
RaceSettings race_of(const CompareSettings& settings, const Arm& arm, uint64_t seed);

// Images that the race of such an arm trains at most; 0 for any other arm.
int64_t most_race_images(const CompareSettings& settings, const Arm& arm);

// The races of an arm in FOLDER/races/ARM-SEED, one per seed of the settings. Each is resumed.
std::vector<RaceOutcome> race_arms(const CompareSettings& settings, const Arm& arm,
                                   const ArmTrainerFactory& factory, const CompareOptions& options,
                                   Progress& progress, const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_COMPARE_RACED_H_
