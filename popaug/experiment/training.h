// The recipe of a training: a network, trained with a schedule or a baseline.
#ifndef POPAUG_EXPERIMENT_TRAINING_H_
#define POPAUG_EXPERIMENT_TRAINING_H_

#include <string>

#include "popaug/experiment/run_folder.h"
#include "popaug/schedule/schedule.h"

namespace popaug {

struct TrainingRequest : RunRequest {};

struct TrainedNetwork {
  Schedule schedule;  // stretched to the length of the training
  TrainReport report;
  Json result;            // result.json
  std::string test_data;  // where the set is, if it has test images to evaluate on
};

// Trains into the run directory (docs/formats/run.md). Throws Interrupted, resumable, once `stop`
// is requested.
TrainedNetwork train_with_schedule(const TrainingRequest& request, Progress& progress,
                                   const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_TRAINING_H_
