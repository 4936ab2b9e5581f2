// SGD with Nesterov momentum, as the published code defines it
// (docs/pba.md#optimiser-and-learning-rate).
//
// It differs from torch.optim.SGD in one point: weight decay is a term of the loss, so its gradient
// is part of the gradient whose norm is clipped. The step therefore runs in this order: add lambda
// w to the gradient, take the norm over all parameters, scale, then move velocity and weight.
//
// SGD has two forms. On a CPU, plain loops read every tensor twice and sum the norm in double in
// a fixed order, so the bytes repeat. On a device, each stage is one launch for all tensors,
// because launches cost more than the arithmetic, and the host waits once, for the norm. AdamW has
// the second form alone; on a CPU, torch runs it tensor by tensor.
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcdiv.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_div.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_foreach_sqrt.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "popaug/train/internal/optimiser_torch.h"

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

// The tensors of one step, and the learning rate of each weight.
struct Moving {
  std::vector<Tensor> weights, velocities, gradients;
  std::vector<double> lr;
  std::vector<Tensor> squares, steps;  // of AdamW
};

double step_on_cpu(const Moving& moving, const StepRates& rates) {
  const auto& [weights, velocities, gradients, lr, unused, none] = moving;
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
    move(weights[i], velocities[i], gradients[i], scale, static_cast<float>(lr[i]),
         static_cast<float>(rates.momentum));
  }
  return norm;
}

double norm_of(const std::vector<Tensor>& tensors) {
  const Tensor norms = at::stack(at::_foreach_norm(tensors)).to(at::kDouble);
  return norms.square().sum().sqrt().item<double>();
}

// The same step on a device: a few launches for all tensors together, and one wait for the norm.
double step_on_device(const Moving& moving, const StepRates& rates) {
  const auto& [weights, velocities, gradients, lr, unused, none] = moving;
  if (rates.weight_decay != 0) at::_foreach_add_(gradients, weights, rates.weight_decay);
  const double norm = norm_of(gradients);
  const double scale = scale_of(norm, rates.clip);
  if (scale != 1) at::_foreach_mul_(gradients, scale);
  at::_foreach_mul_(velocities, rates.momentum);
  at::_foreach_add_(velocities, gradients);
  at::_foreach_add_(gradients, velocities, rates.momentum);
  if (rates.trunk_factor == 1 && rates.layer_decay == 1) {
    at::_foreach_add_(weights, gradients, -rates.lr);
  } else {
    std::vector<at::Scalar> scales;
    for (const double rate : lr) scales.emplace_back(-rate);
    at::_foreach_mul_(gradients, scales);
    at::_foreach_add_(weights, gradients);
  }
  return norm;
}

// One number for each weight.
std::vector<at::Scalar> scalars(const std::vector<Tensor>& weights,
                                const std::function<double(size_t)>& value) {
  std::vector<at::Scalar> result;
  for (size_t i = 0; i < weights.size(); ++i) result.emplace_back(value(i));
  return result;
}

double adamw_step(const Moving& moving, const StepRates& rates) {
  constexpr double kEpsilon = 1e-8;
  const auto& [weights, means, gradients, lr, squares, steps] = moving;
  const double norm = norm_of(gradients), scale = scale_of(norm, rates.clip);
  if (scale != 1) at::_foreach_mul_(gradients, scale);
  at::_foreach_mul_(
      weights, scalars(weights, [&](size_t i) { return 1 - moving.lr[i] * rates.weight_decay; }));
  at::_foreach_mul_(means, rates.momentum);
  at::_foreach_add_(means, gradients, 1 - rates.momentum);
  at::_foreach_mul_(squares, rates.beta2);
  at::_foreach_addcmul_(squares, gradients, gradients, 1 - rates.beta2);
  std::vector<double> count;
  for (const Tensor& step : steps) count.push_back(step.add_(1).item<double>());
  const auto correction = [&](double beta, size_t i) { return 1 - std::pow(beta, count[i]); };
  const std::vector<Tensor> roots = at::_foreach_sqrt(squares);
  at::_foreach_div_(
      roots, scalars(weights, [&](size_t i) { return std::sqrt(correction(rates.beta2, i)); }));
  at::_foreach_add_(roots, kEpsilon);
  at::_foreach_addcdiv_(weights, means, roots, scalars(weights, [&](size_t i) {
                          return -moving.lr[i] / correction(rates.momentum, i);
                        }));
  return norm;
}

// A name up to and with its first run of parts that are numbers: "blocks.3.1" of
// "blocks.3.1.conv_dw.weight". "" where no part is a number.
std::string block_of(const std::string& name) {
  std::string block, so_far;
  for (const std::string& part : split(name, '.')) {
    so_far += so_far.empty() ? part : "." + part;
    if (part.find_first_not_of("0123456789") == part.npos) {
      block = so_far;
    } else if (!block.empty()) {
      break;
    }
  }
  return block;
}

}  // namespace

std::vector<int> blocks_before_head(const std::vector<Parameter>& parameters) {
  std::vector<int> blocks;
  std::string last = "none";
  int block = 0;
  for (const Parameter& parameter : parameters) {
    const std::string name = block_of(parameter.name);
    if (!parameter.head && name != last) ++block;
    blocks.push_back(parameter.head ? 0 : block);
    last = name;
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (!parameters[i].head) blocks[i] = block + 1 - blocks[i];
  }
  return blocks;
}

Optimiser::Optimiser(Network& network, OptimiserKind kind)
    : network_(network), kind_(kind), before_head_(blocks_before_head(network.parameters())) {
  for (const Parameter& parameter : network.parameters()) {
    momentum_.push_back(at::zeros_like(parameter.tensor.detach()));
    if (kind != OptimiserKind::kAdamW) continue;
    squares_.push_back(at::zeros_like(parameter.tensor.detach()));
    steps_.push_back(at::zeros({}, at::kFloat));
  }
}

void Optimiser::reset() {
  for (const State& state : this->state()) state.tensor.zero_();
}

std::vector<Optimiser::State> Optimiser::state() const {
  std::vector<State> all;
  const auto add = [&](const char* prefix, const std::vector<Tensor>& tensors) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      all.push_back({prefix + network_.parameters()[i].name, tensors[i]});
    }
  };
  add(kMomentumPrefix, momentum_);
  add("optimizer.squares.", squares_);
  add("optimizer.step.", steps_);
  return all;
}

double Optimiser::step(const StepRates& rates) {
  at::NoGradGuard guard;
  Moving moving;
  for (size_t i = 0; i < momentum_.size(); ++i) {
    Parameter& parameter = network_.parameters()[i];
    if (!parameter.tensor.requires_grad()) continue;
    Tensor gradient = parameter.tensor.grad();
    if (!gradient.defined()) gradient = at::zeros_like(parameter.tensor);
    // A gradient may come in another memory format than its weight, or share the memory of one.
    if (gradient.strides() != parameter.tensor.strides()) {
      gradient = at::zeros_like(parameter.tensor).copy_(gradient);
    }
    moving.weights.push_back(parameter.tensor);
    moving.velocities.push_back(momentum_[i]);
    moving.gradients.push_back(std::move(gradient));
    if (kind_ == OptimiserKind::kAdamW) {
      moving.squares.push_back(squares_[i]);
      moving.steps.push_back(steps_[i]);
    }
    moving.lr.push_back(parameter.head ? rates.lr
                                       : rates.lr * rates.trunk_factor *
                                             std::pow(rates.layer_decay, before_head_[i]));
    parameter.tensor.mutable_grad() = Tensor();
  }
  if (kind_ == OptimiserKind::kAdamW) return adamw_step(moving, rates);
  const bool cpu = moving.weights.empty() || moving.weights.front().is_cpu();
  return (cpu ? step_on_cpu : step_on_device)(moving, rates);
}

}  // namespace popaug
