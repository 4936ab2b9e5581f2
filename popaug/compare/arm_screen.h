// Arms that a screening chooses, under each seed anew: choose, gate. Private to room compare.
#ifndef POPAUG_COMPARE_ARM_SCREEN_H_
#define POPAUG_COMPARE_ARM_SCREEN_H_

#include "popaug/compare/comparison.h"

namespace popaug {

// The screening of such an arm under a seed. Screenings of different seeds share no seed.
ScreenSettings screen_of(const CompareSettings& settings, const Arm& arm, uint64_t seed);

// Images that the screening of such an arm trains; 0 for any other arm.
int64_t screen_images(const CompareSettings& settings, const Arm& arm);

// The screenings of an arm in FOLDER/screenings/ARM-SEED, one per seed of the settings. Each is
// resumed.
std::vector<ScreenOutcome> screen_arms(const CompareSettings& settings, const Arm& arm,
                                       const CompareOptions& options, Progress& progress,
                                       const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_COMPARE_ARM_SCREEN_H_
