// The epoch loop and evaluation, on a network in training.
#ifndef POPAUG_TRAIN_INTERNAL_LOOP_TORCH_H_
#define POPAUG_TRAIN_INTERNAL_LOOP_TORCH_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/schedule/schedule.h"
#include "popaug/train/internal/member_torch.h"
#include "popaug/train/internal/prefetch.h"
#include "popaug/train/settings.h"

namespace popaug {

// Everything besides the network that the result of an epoch depends on.
struct EpochWork {
  const TrainSettings* settings = nullptr;
  const ImageSet* split = nullptr;
  const std::vector<uint32_t>* indices = nullptr;
  const Augmenter* augmenter = nullptr;
  uint64_t seed = 0;
  uint32_t stream = 0;  // member
  int total_epochs = 1;
  // For a device other than a CPU: batches are prepared while the device works. Changes no result.
  bool ahead = false;
  bool mixes = false;  // whether the augmenter mixes the images of `indices`
};

// Memory that is kept between epochs: a batch and its labels, and those of the next batch if
// batches are prepared ahead. It is pinned if a GPU copies from it.
struct BatchBuffers {
  struct Slot {
    Tensor images;  // [batch, channels, height, width], channels_last
    Tensor labels;  // [batch], int64
    Tensor
        others;  // of the images mixed in, and the share of `labels`; used where a batch is mixed
    Tensor shares;  // [batch], float32
  };
  Slot slots[Prefetch::kSlots];
};

// The position within an epoch. A training may stop and resume between any two steps.
struct EpochPlace {
  int step = 0;         // the next one, from 0
  double loss_sum = 0;  // of the steps so far
};

// Trains the rest of epoch network.info.epoch from `place` on, and counts its steps and, at its
// end, the epoch; returns the mean loss of its steps. `tick(share)` is called after every step.
// Throws Diverged, with step and learning rate, if the loss is not a finite number; Interrupted,
// between steps, when `stop` is requested.
double train_epoch(LearningNetwork& network, BatchBuffers& buffers, EpochPlace& place,
                   const EpochWork& work, const std::function<void(double)>& tick,
                   const StopToken& stop);

// Lets gradients reach the head alone, or every parameter.
void set_head_only(LearningNetwork& network, bool head_only);

// Evaluates `batch` images at a time (below 1: a number that suits the device) with running
// statistics. Batch norm is folded into convolutions where that is exact algebra. Calls
// `tick(share)` after every batch.
Evaluation evaluate(LearningNetwork& network, const Subset& subset, int batch, ConvMode conv,
                    const std::function<void(double)>& tick, const StopToken& stop);

// Makes torch's operations use one thread in the calling thread
// (docs/architecture.md#one-member-one-core).
void use_one_thread();

// Parses "auto", "exact" or "fast"; UsageError otherwise.
ConvMode conv_mode(const std::string& name);

// Checks every setting that needs no data; UsageError.
void check_train_settings(const TrainSettings& settings);

// Throws UsageError if base transforms that mix have too few images or classes.
void check_mixing(const BaseTransforms& base, const Subset& train,
                  const std::vector<std::string>& classes);

// The normalisation by the mean and deviation of the training images.
Normalisation normalisation_of(const Subset& train);
// The normalisation of a training: that of the weights it starts from, or that of its images.
Normalisation training_normalisation(const TrainSettings& settings, const Subset& train);

// The checkpoint information of a training before its first step.
CheckpointInfo new_checkpoint_info(const TrainSettings& settings,
                                   const std::vector<std::string>& classes, const ImageSet& split,
                                   const Normalisation& normalisation);

// A network for the settings on one device, before start().
std::unique_ptr<LearningNetwork> new_network(const TrainSettings& settings,
                                             const CheckpointInfo& info, at::Device device);
// Prepares the first step: draws weights, then loads those of settings.init.
void start_network(LearningNetwork& learning, const TrainSettings& settings, uint64_t seed,
                   uint64_t stream);

// The devices of a list "cuda:0,cuda:1", or the one of a single name.
std::vector<at::Device> find_devices(const std::string& names);
// default_workers (train.h) of such devices on a machine with `cores`.
int default_workers(const std::vector<at::Device>& devices, int cores);

}  // namespace popaug

#endif  // POPAUG_TRAIN_INTERNAL_LOOP_TORCH_H_
