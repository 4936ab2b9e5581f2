// The library of training, libpopaug_train, opened when an experiment trains: everything else works
// without torch.
#ifndef POPAUG_EXPERIMENT_TRAINING_LIBRARY_H_
#define POPAUG_EXPERIMENT_TRAINING_LIBRARY_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "popaug/experiment/settings.h"
#include "popaug/train/train.h"

namespace popaug {

// The library's functions; opened at the first call, then kept. Throws Error in one sentence if the
// library or torch is not there, does not load, or belongs to another popaug.
const TrainingApi& training();

// The file of that library, which it opens too; empty if the system does not say.
fs::path training_library_file();

// Whether members of a search are networks that this program trains; external workers manage their
// own device.
bool trains_here(const ExperimentSettings& settings);

// Throws UsageError for a network or a device that this program cannot train on, before any image
// is read.
void check_learner(const ExperimentSettings& settings);

// Workers as the settings say: 0 is one per core, or one per GPU where this program trains on GPUs.
int worker_count(const ExperimentSettings& settings);

// Makes the trainer of one training on `train` under a schedule, judged by `judge`; trainings are
// spread over the devices of the settings in turn. The images must outlive it. Thread safe.
using ScheduleTrainers = std::function<std::unique_ptr<Trainer>(const Schedule& schedule)>;
ScheduleTrainers schedule_trainers(const ExperimentSettings& settings,
                                   const std::vector<std::string>& classes, const Subset& train,
                                   const Subset& judge);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_TRAINING_LIBRARY_H_
