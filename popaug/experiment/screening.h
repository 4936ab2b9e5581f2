// A screening as part of an experiment: its settings, folds and budget (popaug/compare/screen.h).
#ifndef POPAUG_EXPERIMENT_SCREENING_H_
#define POPAUG_EXPERIMENT_SCREENING_H_

#include "popaug/compare/compare.h"
#include "popaug/experiment/images.h"
#include "popaug/search/search.h"

namespace popaug {

// The screening that the settings ask for. Epochs and trainings are still to be planned.
ScreenSettings screen_settings(const ExperimentSettings& settings, const Inputs& inputs);

// The trainers of each fold. The labelled images are divided by seed, with the same share of each
// class in every fold and whole groups. Where the set or the user says which images validate, these
// judge every "fold", and only the seed changes. Both arguments must outlive the result.
FoldTrainers fold_trainers(const ExperimentSettings& settings, const Inputs& inputs, int folds);

// Turns a time into images: the most with which the screening and a final training of
// `final_images` an epoch (0: none) fit into it, by a short measurement.
int64_t images_in_time(double seconds, const ScreenSettings& screen, int64_t final_images,
                       const ExperimentSettings& settings, const Inputs& inputs,
                       const StopToken& stop);

// What a planned screening takes here, by a short measurement: seconds with all workers, bytes of
// memory.
struct ScreeningCost {
  double seconds = 0, memory_bytes = 0;
};
ScreeningCost measure_screening(const ScreenSettings& screen, int64_t final_images,
                                const ExperimentSettings& settings, const Inputs& inputs,
                                const StopToken& stop);

// Plans the screening within the budget of images (0: the epochs and trainings asked for, or else
// the usual ones) and says what it will be.
void plan_screening(ScreenSettings& screen, const ExperimentSettings& settings,
                    int64_t final_images, Progress& progress);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_SCREENING_H_
