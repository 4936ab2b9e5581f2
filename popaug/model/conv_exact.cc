#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>

#include <algorithm>
#include <vector>

#include "popaug/model/internal/conv_choice.h"
#include "popaug/model/internal/conv_torch.h"

namespace popaug {
namespace {

Tensor plain_conv(const Tensor& x, const Conv& conv, const Tensor& weight, const Tensor& bias) {
  if (conv.same) {
    std::vector<int64_t> pads;  // of the last side first
    for (const int64_t size : {x.size(3), x.size(2)}) {
      const int64_t outputs = (size + conv.stride - 1) / conv.stride;
      const int64_t total =
          std::max<int64_t>((outputs - 1) * conv.stride + weight.size(2) - size, 0);
      pads.push_back(total / 2);
      pads.push_back(total - total / 2);
    }
    return at::conv2d(at::constant_pad_nd(x, pads, 0), weight, bias, conv.stride,
                      at::IntArrayRef({0, 0}), 1, conv.groups);
  }
  return at::conv2d(x, weight, bias, conv.stride, conv.padding, 1, conv.groups);
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

bool takes_fast(const Tensor& x, const Conv& conv, const Pass& pass) {
  if (pass.conv == ConvMode::kExact || !fast_conv_fits(x, conv)) return false;
  return pass.conv == ConvMode::kFast || fast_conv_pays(conv_shape(x, conv), pass.training);
}

// Changes x in place.
Tensor clipped(Tensor x, Clip clip) {
  if (clip == Clip::kRelu) return x.relu_();
  return clip == Clip::kRelu6 ? at::hardtanh_(x, 0, 6) : x;
}

}  // namespace

Tensor batch_norm(const Tensor& x, const BatchNorm& norm, const Pass& pass) {
  if (pass.activations != nullptr) *pass.activations += x.numel();
  return at::batch_norm(x, norm.weight, norm.bias, norm.running_mean, norm.running_var,
                        pass.batch_statistics(), norm.momentum, norm.epsilon, true);
}

Tensor linear(const Tensor& x, const Linear& layer) {
  return at::linear(x, layer.weight, layer.bias);
}

Tensor global_mean(const Tensor& x) { return x.mean(at::IntArrayRef({2, 3})); }

Tensor hard_swish(const Tensor& x, const Pass& pass) {
  if (pass.activations != nullptr) *pass.activations += x.numel();
  return at::hardswish(x);
}

Tensor pad_channels(const Tensor& x, int64_t before, int64_t after) {
  if (before == 0 && after == 0) return x;
  return at::constant_pad_nd(x, {0, 0, 0, 0, before, after}, 0);
}

Tensor average_pool(const Tensor& x, int64_t side) {
  return at::avg_pool2d(x, {side, side}, {side, side}, {0, 0}, /*ceil_mode=*/true);
}

Tensor conv_unit(const Tensor& x, const Conv& conv, const Pass& pass) {
  if (takes_fast(x, conv, pass)) return fast_conv(x, conv, pass);
  if (pass.activations != nullptr) *pass.activations += x.numel();
  return plain_conv(x, conv, conv.weight, conv.bias);
}

Tensor norm_unit(const Tensor& x, const BatchNorm& norm, Clip clip, const Pass& pass) {
  if (pass.conv != ConvMode::kExact && fast_norm_fits(x, norm)) {
    return fast_norm(x, norm, clip, pass);
  }
  return clipped(batch_norm(x, norm, pass), clip);
}

Tensor norm_relu_conv_unit(const Tensor& x, const BatchNorm& norm, const Conv& conv,
                           const Pass& pass) {
  if (fast_norm_fits(x, norm) && takes_fast(x, conv, pass)) {
    return fast_norm_relu_conv(x, norm, conv, pass);
  }
  return conv_unit(norm_relu_unit(x, norm, pass), conv, pass);
}

Tensor conv_norm_unit(const Tensor& x, const Conv& conv, const BatchNorm& norm, Clip clip,
                      const Pass& pass) {
  const bool unfolded = pass.conv == ConvMode::kAuto && fast_norm_fits(x, norm) &&
                        fast_conv_fits(x, conv) && fast_conv_beats_folded(conv_shape(x, conv));
  if (!pass.training && pass.folded != nullptr && !unfolded) {
    const auto& [weight, bias] = folded(conv, norm, *pass.folded);
    return clipped(plain_conv(x, conv, weight, bias), clip);
  }
  return norm_unit(conv_unit(x, conv, pass), norm, clip, pass);
}

}  // namespace popaug
