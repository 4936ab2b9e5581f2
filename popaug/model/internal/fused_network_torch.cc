#include "popaug/model/internal/fused_network_torch.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

namespace popaug {
namespace {

const float* numbers(const Tensor& tensor) { return tensor.const_data_ptr<float>(); }

float* new_gradient(const Tensor& weight, bool training) {
  if (!training) return nullptr;
  const Tensor gradient = at::empty_like(weight.detach());
  weight.mutable_grad() = gradient;
  return gradient.mutable_data_ptr<float>();
}

// Whether the hand-written pass can take these images: float32, on the CPU.
bool uses_fused(const Tensor& images, const Pass& pass) {
  return pass.conv != ConvMode::kExact && images.is_cpu() && images.scalar_type() == at::kFloat &&
         images.numel() > 0;
}

}  // namespace

FusedNorm fused_norm(const BatchNorm& norm, bool training) {
  FusedNorm result;
  result.channels = int(norm.weight.numel());
  result.weight = numbers(norm.weight);
  result.bias = numbers(norm.bias);
  result.running_mean = norm.running_mean.mutable_data_ptr<float>();
  result.running_var = norm.running_var.mutable_data_ptr<float>();
  result.weight_gradient = new_gradient(norm.weight, training);
  result.bias_gradient = new_gradient(norm.bias, training);
  result.momentum = norm.momentum;
  result.epsilon = norm.epsilon;
  return result;
}

FusedBuilder::FusedBuilder(const Tensor& images, bool training, bool head_training)
    : images_{int(images.size(2)), int(images.size(3)), int(images.size(1))},
      batch_(int(images.size(0))),
      training_(training),
      head_training_(head_training) {}

FusedBuilder::Size FusedBuilder::size_of(int value) const {
  if (value == 0) return images_;
  const FusedStep& step = network_.steps[size_t(value) - 1];
  return {step.height, step.width, step.channels};
}

int FusedBuilder::push(FusedStep step, Size size) {
  step.height = size.height;
  step.width = size.width;
  step.channels = size.channels;
  network_.steps.push_back(step);
  return int(network_.steps.size());
}

int FusedBuilder::conv(int input, const Conv& conv, const BatchNorm* norm, Clip clip, int other) {
  return push_conv(input, conv, new_gradient(conv.weight, training_), norm, clip, other);
}

int FusedBuilder::push_conv(int input, const Conv& conv, float* gradient, const BatchNorm* norm,
                            Clip clip, int other) {
  const Size from = size_of(input);
  TORCH_INTERNAL_ASSERT(conv.weight.is_contiguous(at::MemoryFormat::ChannelsLast));
  FusedStep step;
  step.input = input;
  step.other = other;
  step.conv.shape = {1,
                     from.height,
                     from.width,
                     from.channels,
                     int(conv.weight.size(0)),
                     int(conv.weight.size(2)),
                     conv.stride,
                     conv.same,
                     conv.groups > 1};
  step.conv.weight = numbers(conv.weight);
  step.conv.gradient = gradient;
  if (norm != nullptr) step.norm = fused_norm(*norm, training_);
  step.clip = clip;
  const kernels::ConvShape& shape = step.conv.shape;
  return push(step, {shape.out_height(), shape.out_width(), shape.out});
}

int FusedBuilder::add(int input, int other, Clip clip) {
  FusedStep step;
  step.kind = FusedStep::Kind::kAdd;
  step.input = input;
  step.other = other;
  step.clip = clip;
  return push(step, size_of(input));
}

int FusedBuilder::max_pool(int input) {
  FusedStep step;
  step.kind = FusedStep::Kind::kMaxPool;
  step.input = input;
  const Size from = size_of(input);
  return push(step, {(from.height + 1) / 2, (from.width + 1) / 2, from.channels});
}

int FusedBuilder::subsample(int input, int stride, int channels) {
  FusedStep step;
  step.kind = FusedStep::Kind::kSubsample;
  step.input = input;
  step.stride = stride;
  const Size from = size_of(input);
  return push(step, {(from.height - 1) / stride + 1, (from.width - 1) / stride + 1, channels});
}

int FusedBuilder::mix(int input, int second, int other, const Mix& shares) {
  FusedStep step;
  step.kind = FusedStep::Kind::kMix;
  step.input = input;
  step.second = second;
  step.other = other;
  step.clip = Clip::kRelu;
  if (shares.forth.defined()) {
    const Mix& kept = mixes_.emplace_back(shares);
    step.forth = numbers(kept.forth);
    step.back = numbers(kept.back);
  }
  return push(step, size_of(input));
}

int FusedBuilder::pair(int input, const Conv& first, const Conv& second, const BatchNorm& norm,
                       int shift) {
  const Size from = size_of(input);
  FusedStep step;
  step.kind = FusedStep::Kind::kPair;
  step.input = input;
  step.stride = first.stride;
  step.shift = shift;
  const int pixels = push(step, {(from.height - 1) / first.stride + 1,
                                 (from.width - 1) / first.stride + 1, 2 * from.channels});
  const int64_t half = first.weight.size(0), in = from.channels;
  Joined joined{first.weight, second.weight, {}, {}};
  at::NoGradGuard guard;
  joined.weight = at::zeros({2 * half, 2 * in, 1, 1}, first.weight.options())
                      .contiguous(at::MemoryFormat::ChannelsLast);
  joined.weight.slice(0, 0, half).slice(1, 0, in).copy_(first.weight);
  joined.weight.slice(0, half).slice(1, in).copy_(second.weight);
  if (training_) joined.gradient = at::empty_like(joined.weight);
  joined_.push_back(joined);
  Conv conv;
  conv.weight = joined.weight;
  return push_conv(pixels, conv, training_ ? joined.gradient.mutable_data_ptr<float>() : nullptr,
                   &norm, Clip::kNone, -1);
}

void FusedBuilder::finish() const {
  if (!training_) return;
  for (const Joined& joined : joined_) {
    const int64_t half = joined.first.size(0), in = joined.first.size(1);
    joined.first.mutable_grad() = joined.gradient.slice(0, 0, half)
                                      .slice(1, 0, in)
                                      .contiguous(at::MemoryFormat::ChannelsLast);
    joined.second.mutable_grad() =
        joined.gradient.slice(0, half).slice(1, in).contiguous(at::MemoryFormat::ChannelsLast);
  }
}

void FusedBuilder::head(const Linear& layer) {
  FusedHead& head = network_.head;
  head.classes = int(layer.weight.size(0));
  head.channels = int(layer.weight.size(1));
  head.weight = numbers(layer.weight);
  head.bias = numbers(layer.bias);
  head.weight_gradient = new_gradient(layer.weight, head_training_);
  head.bias_gradient = new_gradient(layer.bias, head_training_);
}

Tensor FusableNetwork::forward(const Tensor& images, const Pass& pass) {
  if (pass.training || pass.head_only || !uses_fused(images, pass)) {
    return forward_units(images, pass);
  }
  FusedBuilder builder(images, false, false);
  describe(builder, pass);
  const Tensor rows = images.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor logits = at::empty({rows.size(0), builder.network().head.classes},
                                  rows.options().memory_format(at::MemoryFormat::Contiguous));
  // An entry of the cache says that this evaluation has packed the weights.
  const bool same_weights = pass.folded != nullptr && !pass.folded->try_emplace(&runner_).second;
  runner_.logits(builder.network(), int(rows.size(0)), numbers(rows), same_weights,
                 logits.mutable_data_ptr<float>());
  return logits;
}

double FusableNetwork::gradients(const Tensor& images, const Targets& targets, double smoothing,
                                 const Pass& pass) {
  if (!uses_fused(images, pass)) return Network::gradients(images, targets, smoothing, pass);
  FusedBuilder builder(images, !pass.head_only, true);
  describe(builder, pass);
  const Tensor rows = images.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor labels = targets.labels.contiguous();
  FusedTargets fused{labels.const_data_ptr<int64_t>()};
  Tensor others, shares, dropped;
  if (targets.mixed()) {
    others = targets.others.contiguous();
    shares = targets.shares.contiguous();
    fused.others = others.const_data_ptr<int64_t>();
    fused.shares = shares.const_data_ptr<float>();
  }
  LossRule rule{smoothing, pass.class_weights};
  if (pass.drops()) {
    dropped = dropout_factors(pass, images.size(0), builder.network().head.channels);
    rule.dropout = dropped.const_data_ptr<float>();
  }
  const double loss = runner_.gradients(builder.network(), int(rows.size(0)), numbers(rows), fused,
                                        rule, {pass.batch_statistics(), pass.head_only});
  builder.finish();
  return loss;
}

}  // namespace popaug
