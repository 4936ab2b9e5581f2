#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "popaug/base/base.h"
#include "popaug/model/internal/mix_torch.h"

namespace popaug {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr uint64_t kBlocksPerStep = 4096;
constexpr int kDropoutBlock = kBlocksPerStep - 1;  // no network has so many

// The stream of one block in one step; each image takes `per_image` 64-bit draws.
Random block_draws(const Pass& pass, int block, int per_image) {
  POPAUG_ASSERT(static_cast<uint64_t>(block) < kBlocksPerStep);
  Random random({pass.seed, Purpose::kNetwork, pass.stream, pass.epoch,
                 pass.step * kBlocksPerStep + static_cast<uint64_t>(block)});
  for (int64_t i = 0; i < pass.first_image * per_image; ++i) random.next64();
  return random;
}

Mix empty_mix(int64_t images) {
  return {at::empty({images, 1, 1, 1}, at::kFloat), at::empty({images, 1, 1, 1}, at::kFloat)};
}

double share(Random& random, bool ratio) {
  const double one = random.uniform();
  if (!ratio) return one;
  const double two = random.uniform();
  return one + two > 0 ? one / (one + two) : 0.5;
}

struct Shake : public Function<Shake> {
  static Variable forward(AutogradContext* context, const Variable& one, const Variable& two,
                          const Variable& forth, const Variable& back) {
    context->save_for_backward({back});
    return forth * one + (1 - forth) * two;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor back = context->get_saved_variables()[0];
    return {back * gradients[0], (1 - back) * gradients[0], Variable(), Variable()};
  }
};

struct ScaleEach : public Function<ScaleEach> {
  static Variable forward(AutogradContext* context, const Variable& x, const Variable& forth,
                          const Variable& back) {
    context->save_for_backward({back});
    return forth * x;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {context->get_saved_variables()[0] * gradients[0], Variable(), Variable()};
  }
};

}  // namespace

Mix shake_draws(const Pass& pass, int block, int64_t images, bool ratio) {
  Random random = block_draws(pass, block, ratio ? 4 : 2);
  const Mix mix = empty_mix(images);
  float* forth = mix.forth.mutable_data_ptr<float>();
  float* back = mix.back.mutable_data_ptr<float>();
  for (int64_t i = 0; i < images; ++i) {
    forth[i] = static_cast<float>(share(random, ratio));
    back[i] = static_cast<float>(share(random, ratio));
  }
  if (pass.record != nullptr) {
    pass.record->push_back(mix.forth);
    pass.record->push_back(mix.back);
  }
  return mix;
}

Mix drop_draws(const Pass& pass, int block, int64_t images, double keep) {
  Random random = block_draws(pass, block, 3);
  const Mix mix = empty_mix(images);
  float* forth = mix.forth.mutable_data_ptr<float>();
  float* back = mix.back.mutable_data_ptr<float>();
  for (int64_t i = 0; i < images; ++i) {
    const bool gate = random.chance(keep);
    const double alpha = 2 * random.uniform() - 1, beta = random.uniform();
    forth[i] = gate ? 1.0f : static_cast<float>(alpha);
    back[i] = gate ? 1.0f : static_cast<float>(beta);
  }
  if (pass.record != nullptr) {
    pass.record->push_back(mix.forth);
    pass.record->push_back(mix.back);
  }
  return mix;
}

Tensor dropout_factors(const Pass& pass, int64_t images, int64_t features) {
  // Each image has a stream of its own, whose seed is drawn, so that a part of a batch skips one
  // draw for each image before it and not one for each feature.
  Random seeds = block_draws(pass, kDropoutBlock, 1);
  const Tensor factors = at::empty({images, features}, at::kFloat);
  float* out = factors.mutable_data_ptr<float>();
  const auto kept = static_cast<float>(1 / (1 - pass.head_dropout));
  for (int64_t i = 0; i < images; ++i) {
    Random random({.seed = seeds.next64(), .purpose = Purpose::kNetwork});
    for (int64_t f = 0; f < features; ++f) {
      out[i * features + f] = random.chance(pass.head_dropout) ? 0.0f : kept;
    }
  }
  if (pass.record != nullptr) pass.record->push_back(factors);
  return factors;
}

Tensor head(const Tensor& x, const Linear& layer, const Pass& pass) {
  if (!pass.drops()) return linear(x, layer);
  const Tensor factors = dropout_factors(pass, x.size(0), x.size(1));
  return linear(x * factors.to(x.device(), x.scalar_type()), layer);
}

Tensor shake(const Tensor& one, const Tensor& two, const Mix& mix) {
  return Shake::apply(one, two, mix.forth.to(one.device()), mix.back.to(one.device()));
}

Tensor scale_each(const Tensor& x, const Mix& mix) {
  return ScaleEach::apply(x, mix.forth.to(x.device()), mix.back.to(x.device()));
}

}  // namespace popaug
