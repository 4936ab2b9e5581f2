#include "popaug/train/internal/average_torch.h"

#include <ATen/ops/empty_like.h>

#include <algorithm>

namespace popaug {
namespace {

// The network's own tensors, in the order of the averages.
std::vector<Optimiser::State> values_of(Network& network) {
  std::vector<Optimiser::State> values;
  for (const Parameter& parameter : network.parameters()) {
    values.push_back({parameter.name, parameter.tensor});
  }
  for (const Buffer& buffer : network.buffers()) values.push_back({buffer.name, buffer.tensor});
  return values;
}

}  // namespace

WeightAverage::WeightAverage(Network& network) : network_(network) {
  for (const auto& value : values_of(network)) {
    averages_.push_back(at::empty_like(value.tensor.detach()));
  }
  start();
}

void WeightAverage::start() {
  at::NoGradGuard guard;
  const auto values = values_of(network_);
  for (size_t i = 0; i < averages_.size(); ++i) averages_[i].copy_(values[i].tensor);
}

void WeightAverage::update(double decay, int64_t steps) {
  at::NoGradGuard guard;
  const double kept = std::min(decay, double(1 + steps) / double(10 + steps));
  const auto values = values_of(network_);
  for (size_t i = 0; i < averages_.size(); ++i) averages_[i].lerp_(values[i].tensor, 1 - kept);
}

void WeightAverage::exchange() {
  at::NoGradGuard guard;
  const auto values = values_of(network_);
  for (size_t i = 0; i < averages_.size(); ++i) {
    const Tensor value = values[i].tensor.clone();
    values[i].tensor.copy_(averages_[i]);
    averages_[i].copy_(value);
  }
}

std::vector<Optimiser::State> WeightAverage::state() const {
  std::vector<Optimiser::State> all;
  const auto values = values_of(network_);
  for (size_t i = 0; i < averages_.size(); ++i) {
    all.push_back({kAveragePrefix + values[i].name, averages_[i]});
  }
  return all;
}

}  // namespace popaug
