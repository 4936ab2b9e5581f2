#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "popaug/train/optimiser_torch.h"

namespace popaug {
namespace {

// The flat numbers of a tensor whose memory has no gaps.
float* numbers(const Tensor& tensor) { return tensor.mutable_data_ptr<float>(); }

double norm_squared(const Tensor& tensor) {
  if (!tensor.is_cpu()) return tensor.to(at::kDouble).square().sum().item<double>();
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
  if (!gradient.is_cpu()) {
    gradient.add_(weight, decay);
    return;
  }
  float* g = numbers(gradient);
  const float* w = numbers(weight);
  for (int64_t i = 0, n = gradient.numel(); i < n; ++i) g[i] += decay * w[i];
}

void move(const Tensor& weight, const Tensor& velocity, const Tensor& gradient, float scale,
          float lr, float momentum) {
  if (!weight.is_cpu()) {
    const Tensor g = gradient.mul_(scale);
    velocity.mul_(momentum).add_(g);
    weight.sub_(g.add_(velocity, momentum), lr);
    return;
  }
  float* w = numbers(weight);
  float* v = numbers(velocity);
  const float* gradients = numbers(gradient);
  for (int64_t i = 0, n = weight.numel(); i < n; ++i) {
    const float g = gradients[i] * scale;
    v[i] = momentum * v[i] + g;
    w[i] -= lr * (g + momentum * v[i]);
  }
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
  std::vector<Tensor> gradients;
  double squares = 0;
  for (Parameter& parameter : network_.parameters()) {
    Tensor gradient = parameter.tensor.grad();
    if (!gradient.defined()) gradient = at::zeros_like(parameter.tensor);
    // A gradient may come in another memory format than its weight, or share the memory of one.
    if (gradient.strides() != parameter.tensor.strides()) {
      gradient = at::zeros_like(parameter.tensor).copy_(gradient);
    }
    if (rates.weight_decay != 0) {
      add_decay(gradient, parameter.tensor, static_cast<float>(rates.weight_decay));
    }
    squares += norm_squared(gradient);
    gradients.push_back(std::move(gradient));
  }
  const double norm = std::sqrt(squares);
  const double scale = rates.clip > 0 && norm > rates.clip ? rates.clip / norm : 1;
  for (size_t i = 0; i < gradients.size(); ++i) {
    Parameter& parameter = network_.parameters()[i];
    move(parameter.tensor, momentum_[i], gradients[i], static_cast<float>(scale),
         static_cast<float>(rates.lr), static_cast<float>(rates.momentum));
    parameter.tensor.mutable_grad() = Tensor();
  }
  return norm;
}

}  // namespace popaug
