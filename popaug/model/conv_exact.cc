#include <ATen/ops/batch_norm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

#include "popaug/model/conv_torch.h"

namespace popaug {
namespace {

Tensor plain_conv(const Tensor& x, const Conv& conv, const Tensor& weight, const Tensor& bias) {
  if (conv.pad_low >= 0 && conv.pad_low != conv.padding) {
    const Tensor padded =
        at::constant_pad_nd(x, {conv.pad_low, conv.padding, conv.pad_low, conv.padding}, 0);
    return at::conv2d(padded, weight, bias, conv.stride);
  }
  return at::conv2d(x, weight, bias, conv.stride, conv.padding);
}

// The weights of norm(conv(x)) as one convolution with a bias.
const std::pair<Tensor, Tensor>& folded(const Conv& conv, const BatchNorm& norm, FoldCache& cache) {
  auto [entry, fresh] = cache.try_emplace(&conv);
  if (fresh) {
    const Tensor scale =
        norm.weight.to(at::kDouble) / (norm.running_var.to(at::kDouble) + norm.epsilon).sqrt();
    const Tensor shift = norm.bias.to(at::kDouble) - norm.running_mean.to(at::kDouble) * scale;
    const auto type = conv.weight.scalar_type();
    entry->second = {(conv.weight.to(at::kDouble) * scale.view({-1, 1, 1, 1}))
                         .to(type)
                         .contiguous(at::MemoryFormat::ChannelsLast),
                     shift.to(type)};
  }
  return entry->second;
}

}  // namespace

Tensor batch_norm(const Tensor& x, const BatchNorm& norm, const Pass& pass) {
  return at::batch_norm(x, norm.weight, norm.bias, norm.running_mean, norm.running_var,
                        pass.training, norm.momentum, norm.epsilon, true);
}

Tensor linear(const Tensor& x, const Linear& layer) {
  return at::linear(x, layer.weight, layer.bias);
}

Tensor global_mean(const Tensor& x) { return x.mean(at::IntArrayRef({2, 3})); }

Tensor conv_unit(const Tensor& x, const Conv& conv, const Pass& pass) {
  if (pass.conv == ConvMode::kFast && fast_conv_fits(x, conv)) return fast_conv(x, conv, pass);
  return plain_conv(x, conv, conv.weight, {});
}

Tensor norm_relu_unit(const Tensor& x, const BatchNorm& norm, const Pass& pass) {
  if (pass.conv == ConvMode::kFast && fast_norm_fits(x, norm)) {
    return fast_norm_relu(x, norm, pass);
  }
  return batch_norm(x, norm, pass).relu_();
}

Tensor norm_relu_conv_unit(const Tensor& x, const BatchNorm& norm, const Conv& conv,
                           const Pass& pass) {
  if (pass.conv == ConvMode::kFast && fast_norm_fits(x, norm) && fast_conv_fits(x, conv)) {
    return fast_norm_relu_conv(x, norm, conv, pass);
  }
  return conv_unit(norm_relu_unit(x, norm, pass), conv, pass);
}

Tensor conv_norm_unit(const Tensor& x, const Conv& conv, const BatchNorm& norm, bool relu,
                      const Pass& pass) {
  if (!pass.training && pass.folded != nullptr) {
    const auto& [weight, bias] = folded(conv, norm, *pass.folded);
    Tensor y = plain_conv(x, conv, weight, bias);
    return relu ? y.relu_() : y;
  }
  const Tensor y = conv_unit(x, conv, pass);
  return relu ? norm_relu_unit(y, norm, pass) : batch_norm(y, norm, pass);
}

}  // namespace popaug
