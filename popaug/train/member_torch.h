// A network in training: weights, momentum, batch-norm statistics and how far it is. What a
// checkpoint holds, and what an exploiting member copies.
#ifndef POPAUG_TRAIN_MEMBER_TORCH_H_
#define POPAUG_TRAIN_MEMBER_TORCH_H_

#include <memory>
#include <string>

#include "popaug/train/optimiser_torch.h"

namespace popaug {

struct LearningNetwork {
  std::unique_ptr<Network> network;
  std::unique_ptr<Optimiser> optimiser;
  CheckpointInfo info;  // epoch and steps count on
  // Further networks on the same weights, one for each shard of a batch after the first.
  std::vector<std::unique_ptr<Network>> replicas;
  std::string script;  // bytes of the TorchScript file where the network comes from one

  // `script`: see above; info.network is then kScriptNetwork.
  LearningNetwork(const CheckpointInfo& info, at::Device device, int shards = 1,
                  std::string script = {});
  // Back to before the first step: drawn weights, momentum 0, epoch 0.
  void start(uint64_t seed, uint64_t stream);

  // The bytes of a checkpoint; `with_momentum` for those that training continues from.
  std::string save(bool with_momentum) const;
  // Takes over a checkpoint of the same network, shape and classes; Error naming the first
  // difference. With `with_momentum` its absence is an error too.
  void load(const fs::path& path, bool with_momentum);
};

// A checkpoint's network ready for evaluation.
std::unique_ptr<LearningNetwork> load_network(const fs::path& path, at::Device device);

// Takes the tensors that fit by name and shape from a safetensors file, the others stay; sums a
// first convolution over colour where the images are grey. Returns sentences about what was left.
// Error if nothing fits.
std::vector<std::string> load_init(Network& network, const fs::path& path);

// Gradients of one batch, left with the network's parameters; returns the loss. With replicas, each
// takes an equal part of the batch on a thread of its own, and their gradients and statistics are
// averaged in the order of the shards.
double batch_gradients(LearningNetwork& learning, const Tensor& images, const Tensor& labels,
                       double label_smoothing, Pass pass);

// The device of a name: "cpu", "cuda", "cuda:N", "auto". UsageError for others, Error with the
// reason where torch has no such device.
at::Device find_device(const std::string& name);

}  // namespace popaug

#endif  // POPAUG_TRAIN_MEMBER_TORCH_H_
