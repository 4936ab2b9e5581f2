// A network in training: weights, momentum, batch-norm statistics, averages and progress. This is
// what a checkpoint contains and what an exploiting member copies.
#ifndef POPAUG_TRAIN_INTERNAL_MEMBER_TORCH_H_
#define POPAUG_TRAIN_INTERNAL_MEMBER_TORCH_H_

#include <memory>
#include <optional>
#include <string>

#include "popaug/augment/augment.h"
#include "popaug/train/internal/average_torch.h"
#include "popaug/train/internal/optimiser_torch.h"
#include "popaug/train/settings.h"

namespace popaug {

struct LearningNetwork {
  std::unique_ptr<Network> network;
  std::unique_ptr<Optimiser> optimiser;
  std::unique_ptr<WeightAverage> average;  // null: none is kept
  CheckpointInfo info;                     // epoch and steps count on
  // Further networks on the same weights, one for each shard of a batch after the first.
  std::vector<std::unique_ptr<Network>> replicas;
  std::string script;  // bytes of the TorchScript file where the network comes from one

  // `script`: see above; info.network is then kScriptNetwork.
  LearningNetwork(const CheckpointInfo& info, at::Device device, int shards = 1,
                  std::string script = {}, OptimiserKind kind = OptimiserKind::kSgd);
  // Resets to the state before the first step: drawn weights, momentum 0, epoch 0.
  void start(uint64_t seed, uint64_t stream);
  // What a later step depends on besides the network's tensors.
  std::vector<Optimiser::State> training_state() const;

  // Returns the bytes of a checkpoint; `with_momentum` for a checkpoint from which training
  // continues, with averages.
  std::string save(bool with_momentum) const;
  // Loads a checkpoint of the same network, shape and classes; otherwise throws an Error that names
  // the first difference. With `with_momentum`, missing momentum is an error too.
  void load(const fs::path& path, bool with_momentum);
};

// Loads the network of a checkpoint for evaluation.
std::unique_ptr<LearningNetwork> load_network(const fs::path& path, at::Device device);

// Loads the tensors of a safetensors file that fit by name and shape; the others keep their values.
// A first convolution over colours is summed if the images are grey. Returns sentences about what
// was used and what was not. Error if less than half of the network's tensors fit.
std::vector<std::string> load_init(LearningNetwork& learning, const fs::path& path);
// The normalisation that the weights of a checkpoint were trained with; for grey images, the mean
// over its colours. Nothing if the file does not say it.
std::optional<Normalisation> init_normalisation(const fs::path& path, int channels);

// Computes the gradients of one batch, stores them with the parameters of the network, and returns
// the loss. With replicas, each handles an equal part of the batch on a thread of its own;
// gradients and statistics are averaged in the order of the shards.
double batch_gradients(LearningNetwork& learning, const Tensor& images, const Targets& targets,
                       const TrainSettings& settings, const Pass& pass);

// The device of a name: "cpu", "cuda", "cuda:N", "auto". UsageError for other names; Error with the
// reason if torch has no such device.
at::Device find_device(const std::string& name);

}  // namespace popaug

#endif  // POPAUG_TRAIN_INTERNAL_MEMBER_TORCH_H_
