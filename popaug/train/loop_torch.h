// The epoch loop and evaluation, on a network in training.
#ifndef POPAUG_TRAIN_LOOP_TORCH_H_
#define POPAUG_TRAIN_LOOP_TORCH_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/train/learning_rate.h"
#include "popaug/train/member_torch.h"
#include "popaug/train/prefetch.h"
#include "popaug/train/settings.h"

namespace popaug {

// Everything that an epoch's result depends on, beside the network.
struct EpochWork {
  const TrainSettings* settings = nullptr;
  const Split* split = nullptr;
  const std::vector<uint32_t>* indices = nullptr;
  const Augmenter* augmenter = nullptr;
  uint64_t seed = 0;
  uint32_t stream = 0;  // member
  int total_epochs = 1;
  // Of a device that is no CPU: batches are made ahead while it works. Changes no result.
  bool ahead = false;
};

// Memory that stays between epochs: a batch and its labels, and the next one's where batches are
// made ahead; pinned where a GPU copies from it.
struct BatchBuffers {
  struct Slot {
    Tensor images;  // [batch, channels, height, width], channels_last
    Tensor labels;  // [batch], int64
  };
  Slot slots[Prefetch::kSlots];
};

// How far an epoch is; a training may stop and go on between any two steps.
struct EpochPlace {
  int step = 0;         // the next one, from 0
  double loss_sum = 0;  // of the steps so far
};

// Trains the rest of epoch network.info.epoch from `place` on, and counts its steps and, at its
// end, the epoch; returns the mean loss of its steps. `tick(share)` is called after every step.
// Throws Diverged with step and learning rate once the loss is no finite number; Interrupted,
// between steps, when `stop` is requested.
double train_epoch(LearningNetwork& network, BatchBuffers& buffers, EpochPlace& place,
                   const EpochWork& work, const std::function<void(double)>& tick,
                   const StopToken& stop);

// `batch` images at a time (below 1: what suits the device). Evaluates with running statistics,
// batch norm folded into the convolutions where that is exact algebra. `tick(share)` after every
// batch.
Evaluation evaluate(LearningNetwork& network, const Subset& subset, int batch, ConvMode conv,
                    const std::function<void(double)>& tick, const StopToken& stop);

// One thread inside torch's operations, for the calling thread (DESIGN 4.5).
void use_one_thread();

// The name as a value: "exact", "fast"; UsageError otherwise.
ConvMode conv_mode(const std::string& name);

// Checks every setting that needs no data; UsageError.
void check_train_settings(const TrainSettings& settings);

// The base transforms of a training: those of its schedule or search, as the settings change them.
BaseTransforms trained_base(const BaseTransforms& base, const TrainSettings& settings);

// Normalisation of the images that train.
Normalisation normalisation_of(const Subset& train);

// What a checkpoint says of a training before its first step.
CheckpointInfo new_checkpoint_info(const TrainSettings& settings,
                                   const std::vector<std::string>& classes, const Split& split,
                                   const Normalisation& normalisation);

// A network for the settings on one device, before start().
std::unique_ptr<LearningNetwork> new_network(const TrainSettings& settings,
                                             const CheckpointInfo& info, at::Device device);
// Before the first step: drawn weights, then those of settings.init; sentences go to `notes` (may
// be null).
void start_network(LearningNetwork& learning, const TrainSettings& settings, uint64_t seed,
                   uint64_t stream, std::vector<std::string>* notes);

// The devices of a list "cuda:0,cuda:1", or the one of a single name.
std::vector<at::Device> find_devices(const std::string& names);
// default_workers (train.h) of such devices on a machine with `cores`.
int default_workers(const std::vector<at::Device>& devices, int cores);

}  // namespace popaug

#endif  // POPAUG_TRAIN_LOOP_TORCH_H_
