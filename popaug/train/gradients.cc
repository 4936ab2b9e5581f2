// Forward and backward of a batch: whole, in shards at the same time, or in parts one after the
// other.
#include <algorithm>

#include "popaug/train/internal/loop_torch.h"

namespace popaug {
namespace {

// Stores the mean of the gradients of all networks, summed in their order, in the first network.
void average_gradients(LearningNetwork& learning) {
  for (const auto& replica : learning.replicas) {
    for (size_t i = 0; i < learning.network->parameters().size(); ++i) {
      Tensor& gradient = replica->parameters()[i].tensor.mutable_grad();
      if (!gradient.defined()) continue;
      Tensor& sum = learning.network->parameters()[i].tensor.mutable_grad();
      sum = sum.defined() ? sum + gradient : gradient;
      gradient = Tensor();
    }
  }
  const double share = 1.0 / double(learning.replicas.size() + 1);
  for (Parameter& parameter : learning.network->parameters()) {
    Tensor& sum = parameter.tensor.mutable_grad();
    if (sum.defined()) sum = sum * share;
  }
}

// Gives all networks the mean of their running statistics.
void average_buffers(LearningNetwork& learning) {
  const double share = 1.0 / double(learning.replicas.size() + 1);
  for (size_t i = 0; i < learning.network->buffers().size(); ++i) {
    const Tensor& first = learning.network->buffers()[i].tensor;
    for (const auto& replica : learning.replicas) first.add_(replica->buffers()[i].tensor);
    first.mul_(share);
  }
}

void hand_out_buffers(LearningNetwork& learning) {
  for (const auto& replica : learning.replicas) {
    for (size_t i = 0; i < learning.network->buffers().size(); ++i) {
      replica->buffers()[i].tensor.copy_(learning.network->buffers()[i].tensor);
    }
  }
}

// Forward and backward of the images of one network: settings.accumulate equal parts one after the
// other, whose gradients are averaged, as a loop over small batches before each step of PyTorch's
// optimisers does. Batch statistics are those of each part.
double accumulate(Network& network, const Tensor& images, const Targets& targets,
                  const TrainSettings& settings, const Pass& pass) {
  const int64_t parts = settings.accumulate, size = images.size(0) / parts;
  if (parts == 1) return network.gradients(images, targets, settings.label_smoothing, pass);
  std::vector<Tensor> sums(network.parameters().size());
  double loss = 0;
  for (int64_t part = 0; part < parts; ++part) {
    Pass mine = pass;
    mine.first_image = pass.first_image + part * size;
    loss += network.gradients(images.narrow(0, part * size, size), targets.part(part * size, size),
                              settings.label_smoothing, mine) /
            static_cast<double>(parts);
    const at::NoGradGuard guard;
    for (size_t i = 0; i < sums.size(); ++i) {
      Tensor& gradient = network.parameters()[i].tensor.mutable_grad();
      if (gradient.defined()) sums[i] = sums[i].defined() ? sums[i].add_(gradient) : gradient;
      gradient = Tensor();
    }
  }
  const at::NoGradGuard guard;
  for (size_t i = 0; i < sums.size(); ++i) {
    if (!sums[i].defined()) continue;
    network.parameters()[i].tensor.mutable_grad() = sums[i].div_(static_cast<double>(parts));
  }
  return loss;
}

}  // namespace

double batch_gradients(LearningNetwork& learning, const Tensor& images, const Targets& targets,
                       const TrainSettings& settings, const Pass& pass) {
  if (learning.replicas.empty()) {
    return accumulate(*learning.network, images, targets, settings, pass);
  }
  const int64_t shards = static_cast<int64_t>(learning.replicas.size()) + 1;
  const int64_t size = images.size(0) / shards;
  {
    at::NoGradGuard guard;
    hand_out_buffers(learning);
  }
  std::vector<double> losses(shards);
  const auto body = [&](size_t i) {
    use_one_thread();
    Network& network = i == 0 ? *learning.network : *learning.replicas[i - 1];
    Pass mine = pass;
    mine.first_image = static_cast<int64_t>(i) * size;
    losses[i] = accumulate(network, images.narrow(0, mine.first_image, size),
                           targets.part(mine.first_image, size), settings, mine);
  };
  parallel_for(shards, std::min<int>(available_cores(), static_cast<int>(shards)), body);
  at::NoGradGuard guard;
  average_gradients(learning);
  average_buffers(learning);
  double loss = 0;
  for (const double one : losses) loss += one / double(shards);
  return loss;
}

}  // namespace popaug
