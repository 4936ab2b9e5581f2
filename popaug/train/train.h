// The door of room train: training, evaluation, and the Trainer that search drives. No torch here.
//
// Two ways in: programs that link libpopaug_train call the functions below; the program popaug
// opens the library at run time and calls them through training_api.h, so that its other verbs need
// no torch.
#ifndef POPAUG_TRAIN_TRAIN_H_
#define POPAUG_TRAIN_TRAIN_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/base/base.h"
#include "popaug/data/data.h"
#include "popaug/schedule/schedule.h"
#include "popaug/search/search.h"
#include "popaug/train/settings.h"
#include "popaug/train/trace.h"
#include "popaug/train/training_api.h"

namespace popaug {

// A Trainer for members of a search over `train` and `validation`; space, rule and base come from
// the search, policies with each round's work. Shares the data between workers. Checks all settings
// at once, before any work: UsageError.
TrainerFactory make_trainer_factory(const TrainSettings& settings, const Space& space,
                                    const Rule& rule, const BaseTransforms& base,
                                    const std::vector<std::string>& classes, const Subset& train,
                                    const Subset& validation, const std::string& metric);

// Trains over schedule.epochs() epochs into DIR (docs/formats/run.md): progress.csv, a checkpoint
// to resume from, last.safetensors, best.safetensors. A directory that holds a training is refused
// without options.resume. Resumes to the same bytes. Throws Error where the loss is no number any
// more; Interrupted, after a checkpoint, once `stop` is requested.
TrainReport train_network(const TrainSettings& settings, const Schedule& schedule,
                          const std::vector<std::string>& classes, const Subset& train,
                          uint64_t seed, const fs::path& directory, Progress& progress,
                          const StopToken& stop, const TrainOptions& options = {});

// Evaluates a checkpoint made by train_network or a search. The subset's images must have the size
// and channels of the checkpoint.
Evaluation evaluate_checkpoint(const fs::path& checkpoint, const Subset& subset, int batch,
                               const std::string& device, Progress& progress);

// How many workers keep the devices of a list busy: one for each GPU, whose members would only take
// turns and whose trials of cuDNN every thread makes anew; one for each core of a CPU. Throws for a
// device that is not there.
int default_workers(const std::string& device);

// A function that makes one step (forward, backward, SGD) of settings.network in settings.conv on
// drawn images, on the CPU, each time it is called: what `popaug bench train` measures. For one
// thread at a time.
std::function<void()> make_speed_step(const TrainSettings& settings, const SpeedWork& work);

// The names of the networks, patterns with D and K for numbers among them.
std::vector<std::string> network_names();

// Bytes that a member in training needs at most, estimated before it starts: weights, momentum,
// gradients, activations of a batch (docs/decisions/memory.md).
uint64_t estimate_member_memory(const TrainSettings& settings, int channels, int height, int width,
                                int classes);

}  // namespace popaug

#endif  // POPAUG_TRAIN_TRAIN_H_
