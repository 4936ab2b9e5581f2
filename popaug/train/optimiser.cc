#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "popaug/train/optimiser_torch.h"

namespace popaug {
namespace {

// The flat numbers of a tensor whose memory has no gaps.
float* numbers(const Tensor& tensor) { return tensor.mutable_data_ptr<float>(); }

double norm_squared(const Tensor& tensor) {
  const float* x = numbers(tensor);
  // Eight sums, so that the order is fixed and the compiler can use vectors.
  double sums[8] = {};
  const int64_t n = tensor.numel(), whole = n / 8 * 8;
  for (int64_t i = 0; i < whole; i += 8) {
    for (int j = 0; j < 8; ++j) sums[j] += double(x[i + j]) * x[i + j];
  }
  for (int64_t i = whole; i < n; ++i) sums[i - whole] += double(x[i]) * x[i];
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

void add_decay(const Tensor& gradient, const Tensor& weight, float decay) {
  float* g = numbers(gradient);
  const float* w = numbers(weight);
  for (int64_t i = 0, n = gradient.numel(); i < n; ++i) g[i] += decay * w[i];
}

void move(const Tensor& weight, const Tensor& velocity, const Tensor& gradient, float scale,
          float lr, float momentum) {
  float* w = numbers(weight);
  float* v = numbers(velocity);
  const float* gradients = numbers(gradient);
  for (int64_t i = 0, n = weight.numel(); i < n; ++i) {
    const float g = gradients[i] * scale;
    v[i] = momentum * v[i] + g;
    w[i] -= lr * (g + momentum * v[i]);
  }
}

double scale_of(double norm, double clip) { return clip > 0 && norm > clip ? clip / norm : 1; }

double step_on_cpu(const std::vector<Tensor>& weights, const std::vector<Tensor>& velocities,
                   const std::vector<Tensor>& gradients, const StepRates& rates) {
  double squares = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (rates.weight_decay != 0) {
      add_decay(gradients[i], weights[i], static_cast<float>(rates.weight_decay));
    }
    squares += norm_squared(gradients[i]);
  }
  const double norm = std::sqrt(squares);
  const auto scale = static_cast<float>(scale_of(norm, rates.clip));
  for (size_t i = 0; i < weights.size(); ++i) {
    move(weights[i], velocities[i], gradients[i], scale, static_cast<float>(rates.lr),
         static_cast<float>(rates.momentum));
  }
  return norm;
}

// The same in a few launches for all tensors together, and one wait for the norm.
double step_on_device(const std::vector<Tensor>& weights, const std::vector<Tensor>& velocities,
                      const std::vector<Tensor>& gradients, const StepRates& rates) {
  if (rates.weight_decay != 0) at::_foreach_add_(gradients, weights, rates.weight_decay);
  const Tensor norms = at::stack(at::_foreach_norm(gradients)).to(at::kDouble);
  const double norm = norms.square().sum().sqrt().item<double>();
  const double scale = scale_of(norm, rates.clip);
  if (scale != 1) at::_foreach_mul_(gradients, scale);
  at::_foreach_mul_(velocities, rates.momentum);
  at::_foreach_add_(velocities, gradients);
  at::_foreach_add_(gradients, velocities, rates.momentum);
  at::_foreach_add_(weights, gradients, -rates.lr);
  return norm;
}

}  // namespace

Optimiser::Optimiser(Network& network) : network_(network) {
  for (const Parameter& parameter : network.parameters()) {
    momentum_.push_back(at::zeros_like(parameter.tensor.detach()));
  }
}

void Optimiser::reset() {
  for (Tensor& velocity : momentum_) velocity.zero_();
}

double Optimiser::step(const StepRates& rates) {
  at::NoGradGuard guard;
  std::vector<Tensor> weights, gradients;
  for (Parameter& parameter : network_.parameters()) {
    Tensor gradient = parameter.tensor.grad();
    if (!gradient.defined()) gradient = at::zeros_like(parameter.tensor);
    // A gradient may come in another memory format than its weight, or share the memory of one.
    if (gradient.strides() != parameter.tensor.strides()) {
      gradient = at::zeros_like(parameter.tensor).copy_(gradient);
    }
    weights.push_back(parameter.tensor);
    gradients.push_back(std::move(gradient));
    parameter.tensor.mutable_grad() = Tensor();
  }
  const bool cpu = weights.empty() || weights.front().is_cpu();
  return (cpu ? step_on_cpu : step_on_device)(weights, momentum_, gradients, rates);
}

}  // namespace popaug
