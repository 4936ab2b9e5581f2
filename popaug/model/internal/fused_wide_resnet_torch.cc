#include "popaug/model/internal/fused_wide_resnet_torch.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

namespace popaug {
namespace {

const float* numbers(const Tensor& tensor) { return tensor.const_data_ptr<float>(); }

float* new_gradient(const Tensor& weight, bool training) {
  if (!training) return nullptr;
  const Tensor gradient = at::empty_like(weight.detach());
  weight.mutable_grad() = gradient;
  return gradient.mutable_data_ptr<float>();
}

}  // namespace

FusedConv fused_conv(const Conv& conv, int height, int width, bool training) {
  FusedConv result;
  result.shape = {1,
                  height,
                  width,
                  int(conv.weight.size(1)),
                  int(conv.weight.size(0)),
                  int(conv.weight.size(2)),
                  conv.stride};
  TORCH_INTERNAL_ASSERT(conv.weight.is_contiguous(at::MemoryFormat::ChannelsLast));
  result.weight = numbers(conv.weight);
  result.gradient = new_gradient(conv.weight, training);
  return result;
}

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

void set_fused_head(const Linear& head, FusedWideResNet& network, bool training) {
  network.classes = int(head.weight.size(0));
  network.head_weight = numbers(head.weight);
  network.head_bias = numbers(head.bias);
  network.head_weight_gradient = new_gradient(head.weight, training);
  network.head_bias_gradient = new_gradient(head.bias, training);
}

bool fused_fits(const Tensor& images) {
  return images.is_cpu() && images.scalar_type() == at::kFloat && images.numel() > 0;
}

double fused_gradients(FusedWideResNetRunner& runner, const FusedWideResNet& network,
                       const Tensor& images, const Targets& targets, const LossRule& rule) {
  const Tensor rows = images.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor labels = targets.labels.contiguous();
  FusedTargets fused{labels.const_data_ptr<int64_t>()};
  Tensor others, shares;
  if (targets.mixed()) {
    others = targets.others.contiguous();
    shares = targets.shares.contiguous();
    fused.others = others.const_data_ptr<int64_t>();
    fused.shares = shares.const_data_ptr<float>();
  }
  return runner.gradients(network, int(rows.size(0)), numbers(rows), fused, rule);
}

Tensor fused_logits(FusedWideResNetRunner& runner, const FusedWideResNet& network,
                    const Tensor& images) {
  const Tensor rows = images.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor logits = at::empty({rows.size(0), network.classes},
                                  rows.options().memory_format(at::MemoryFormat::Contiguous));
  runner.logits(network, int(rows.size(0)), numbers(rows), logits.mutable_data_ptr<float>());
  return logits;
}

}  // namespace popaug
