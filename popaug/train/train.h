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
#include "popaug/train/training_api.h"

namespace popaug {

// Returns a factory of Trainers for the members of a search over `train` and `validation`. Space,
// rule and base transforms belong to the search; the policy comes with the work of each round.
// Workers share the data. Checks all settings at once, before any work: UsageError.
TrainerFactory make_trainer_factory(const TrainSettings& settings, const Space& space,
                                    const Rule& rule, const BaseTransforms& base,
                                    const std::vector<std::string>& classes, const Subset& train,
                                    const Subset& validation, const std::string& metric);

// The base transforms of a training: those of its schedule or search, with what settings change of
// them.
inline BaseTransforms trained_base(BaseTransforms base, const TrainSettings& settings) {
  base.scale_pixels = base.scale_pixels && !settings.paper_pixels;
  if (settings.resized_crop > 0) base.use_resized_crop(settings.resized_crop);
  return base;
}

// Trains for schedule.epochs() epochs and writes DIR (docs/formats/run.md): progress.csv, a
// checkpoint to resume from, last.safetensors, best.safetensors. A directory that contains a
// training is refused without options.resume. A resumed training ends with the same bytes. Throws
// Error if the loss is not a finite number; Interrupted, after writing a checkpoint, when `stop` is
// requested.
TrainReport train_network(const TrainSettings& settings, const Schedule& schedule,
                          const std::vector<std::string>& classes, const Subset& train,
                          uint64_t seed, const fs::path& directory, Progress& progress,
                          const StopToken& stop, const TrainOptions& options = {});

// Evaluates a checkpoint made by train_network or a search. The subset's images must have the size
// and channels of the checkpoint.
Evaluation evaluate_checkpoint(const fs::path& checkpoint, const Subset& subset, int batch,
                               const std::string& device, Progress& progress);

// Returns the number of workers that keeps the devices of a list busy. That is one for each GPU,
// since more members would only take turns and every thread repeats the trials of cuDNN; for a CPU
// it is one for each core. Throws if a device does not exist.
int default_workers(const std::string& device);

// Returns a function that makes one training step (forward, backward, SGD) of settings.network with
// settings.conv on drawn images, on the CPU, each time it is called. `popaug bench train` measures
// it. For one thread at a time.
std::function<void()> make_speed_step(const TrainSettings& settings, const SpeedWork& work);

// The names of the networks, patterns with D and K for numbers among them.
std::vector<std::string> network_names();

// Estimates, before a member starts training, how many bytes it needs at most: weights, momentum,
// gradients, activations of a batch (docs/decisions/memory.md).
uint64_t estimate_member_memory(const TrainSettings& settings, int channels, int height, int width,
                                int classes);

// Checks every setting that needs no data, and with `images` above 0 that a batch of them exists;
// UsageError.
void check_training(const TrainSettings& settings, size_t images);

// What starting from the weights of settings.init means for a network of these classes and images,
// in sentences: which tensors they give, which start anew, how images are normalised. Error if the
// file cannot be read, or fits less than half of the network.
std::vector<std::string> init_notes(const TrainSettings& settings,
                                    const std::vector<std::string>& classes, const ImageSet& split);

}  // namespace popaug

#endif  // POPAUG_TRAIN_TRAIN_H_
