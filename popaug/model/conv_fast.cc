// The fast forms as autograd functions on the kernels of room kernels, for networks without a
// hand-written pass.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "popaug/model/internal/conv_norm.h"
#include "popaug/model/internal/conv_torch.h"
#include "popaug/model/internal/fused_network_torch.h"

namespace popaug {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Scratch of the calling thread: a member trains in one thread, and the backward of tensors on the
// CPU runs in the thread that asks for it.
kernels::Workspace& workspace() {
  thread_local kernels::Workspace scratch;
  return scratch;
}

Tensor rows(const Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }
Tensor like(const Tensor& x) {
  return at::empty(x.sizes(), x.options().memory_format(at::MemoryFormat::ChannelsLast));
}

Tensor output_of(const kernels::ConvShape& s, const Tensor& x) {
  return at::empty({s.batch, s.out, s.out_height(), s.out_width()},
                   x.options().memory_format(at::MemoryFormat::ChannelsLast));
}
kernels::Gradient given(const Tensor& grad) {
  kernels::Gradient gradient;
  gradient.grad = grad.const_data_ptr<float>();
  return gradient;
}

// What a backward pass needs besides tensors.
struct Kept : torch::CustomClassHolder {
  kernels::ConvShape shape;
  kernels::Weights weights;
  NormStep norm;
  double epsilon = 0;
};
void keep(AutogradContext* context, c10::intrusive_ptr<Kept> kept) {
  context->saved_data["kept"] = c10::IValue::make_capsule(std::move(kept));
}
Kept& kept_of(AutogradContext* context) {
  return static_cast<Kept&>(*context->saved_data["kept"].toCapsule());
}

// Computes the statistics of x and prepares the norm.
void start_norm(Kept& kept, const Tensor& x, const BatchNorm& norm, bool training) {
  const FusedNorm fused = fused_norm(norm, false);
  if (!training) {
    kept.norm.evaluate(fused);
    return;
  }
  kernels::Moments moments(fused.channels);
  kernels::moments_of(x.const_data_ptr<float>(), size_t(x.numel() / x.size(1)), fused.channels,
                      &moments);
  kept.norm.train(fused, moments);
}

// Takes the masked gradient d of the norm's output: computes the gradients of the norm's parameters
// and turns d into the gradient of x.
void finish_norm(Kept& kept, const Tensor& x, const Tensor& weight,
                 const kernels::GradientSums& sums, const Tensor& d, const Tensor& weight_gradient,
                 const Tensor& bias_gradient) {
  FusedNorm norm;
  norm.channels = int(weight.numel());
  norm.weight = weight.const_data_ptr<float>();
  norm.weight_gradient = weight_gradient.mutable_data_ptr<float>();
  norm.bias_gradient = bias_gradient.mutable_data_ptr<float>();
  float* data = d.mutable_data_ptr<float>();
  kernels::Gradient gradient = kept.norm.backward(norm, sums, data, x.const_data_ptr<float>());
  gradient.keep = data;
  kernels::materialise(gradient, size_t(x.numel() / x.size(1)), norm.channels);
}

struct FastConv : torch::autograd::Function<FastConv> {
  static Tensor forward(AutogradContext* context, const Tensor& images, const Tensor& weight,
                        const Conv* conv) {
    const Tensor x = rows(images.detach()), w = rows(weight.detach());
    auto kept = c10::make_intrusive<Kept>();
    kept->shape = conv_shape(x, *conv);
    kept->weights.pack(kept->shape, w.const_data_ptr<float>());
    const Tensor y = output_of(kept->shape, x);
    kernels::conv_forward(kept->shape, x.const_data_ptr<float>(), {}, kept->weights, nullptr,
                          y.mutable_data_ptr<float>(), nullptr, workspace());
    context->save_for_backward({x, weight});
    keep(context, std::move(kept));
    return y;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor grad = rows(gradients[0]), dw = like(saved[1]);
    const Tensor dx = context->needs_input_grad(0) ? like(saved[0]) : Tensor();
    Kept& kept = kept_of(context);
    kernels::conv_backward(kept.shape, saved[0].const_data_ptr<float>(), {}, kept.weights,
                           given(grad), dw.mutable_data_ptr<float>(), nullptr,
                           dx.defined() ? dx.mutable_data_ptr<float>() : nullptr, nullptr,
                           workspace());
    return {dx, dw, Tensor()};
  }
};

struct FastNorm : torch::autograd::Function<FastNorm> {
  static Tensor forward(AutogradContext* context, const Tensor& images, const Tensor& weight,
                        const Tensor&, const BatchNorm* norm, int64_t clip, bool training) {
    const Tensor x = rows(images.detach()), y = like(x);
    auto kept = c10::make_intrusive<Kept>();
    start_norm(*kept, x, *norm, training);
    kernels::normalise(x.const_data_ptr<float>(), size_t(x.numel() / x.size(1)), int(x.size(1)),
                       kept->norm.act(Clip(clip)), y.mutable_data_ptr<float>());
    context->save_for_backward({x, weight});
    context->saved_data["clip"] = clip;
    keep(context, std::move(kept));
    return y;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], grad = rows(gradients[0]);
    const auto clip = Clip(context->saved_data["clip"].toInt());
    const Tensor d = like(x), dweight = at::empty_like(weight), dbias = at::empty_like(weight);
    Kept& kept = kept_of(context);
    kernels::GradientSums sums(int(x.size(1)));
    kernels::mask_and_sum(x.const_data_ptr<float>(), grad.const_data_ptr<float>(),
                          size_t(x.numel() / x.size(1)), int(x.size(1)), kept.norm.act(clip),
                          d.mutable_data_ptr<float>(), &sums);
    finish_norm(kept, x, weight, sums, d, dweight, dbias);
    return {d, dweight, dbias, Tensor(), Tensor(), Tensor()};
  }
};

struct FastNormReluConv : torch::autograd::Function<FastNormReluConv> {
  static Tensor forward(AutogradContext* context, const Tensor& images, const Tensor& norm_weight,
                        const Tensor&, const Tensor& weight, const BatchNorm* norm,
                        const Conv* conv, bool training) {
    const Tensor x = rows(images.detach()), w = rows(weight.detach());
    auto kept = c10::make_intrusive<Kept>();
    start_norm(*kept, x, *norm, training);
    kept->shape = conv_shape(x, *conv);
    kept->weights.pack(kept->shape, w.const_data_ptr<float>());
    const Tensor y = output_of(kept->shape, x);
    kernels::conv_forward(kept->shape, x.const_data_ptr<float>(), kept->norm.act(), kept->weights,
                          nullptr, y.mutable_data_ptr<float>(), nullptr, workspace());
    context->save_for_backward({x, norm_weight, weight});
    keep(context, std::move(kept));
    return y;
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &norm_weight = saved[1], grad = rows(gradients[0]);
    const Tensor d = like(x), dw = like(saved[2]), dnorm = at::empty_like(norm_weight),
                 dbias = at::empty_like(norm_weight);
    Kept& kept = kept_of(context);
    kernels::GradientSums sums(int(x.size(1)));
    kernels::conv_backward(kept.shape, x.const_data_ptr<float>(), kept.norm.act(), kept.weights,
                           given(grad), dw.mutable_data_ptr<float>(), nullptr,
                           d.mutable_data_ptr<float>(), &sums, workspace());
    finish_norm(kept, x, norm_weight, sums, d, dnorm, dbias);
    return {d, dnorm, dbias, dw, Tensor(), Tensor(), Tensor()};
  }
};

bool plain_float(const Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 4 && x.numel() > 0;
}

}  // namespace

bool fast_conv_fits(const Tensor& x, const Conv& conv) {
  if (!plain_float(x) || !plain_float(conv.weight) || conv.bias.defined()) return false;
  const int64_t kernel = conv.weight.size(2), in = x.size(1);
  const bool depthwise = conv.groups > 1;
  const bool channels_fit =
      depthwise ? conv.groups == in && conv.weight.size(0) == in && (kernel == 3 || kernel == 5)
                : conv.weight.size(1) == in;
  return channels_fit && kernel % 2 == 1 && kernel <= 7 && conv.weight.size(3) == kernel &&
         (conv.stride == 1 || conv.stride == 2) && (conv.same || conv.padding == (kernel - 1) / 2);
}

kernels::ConvShape conv_shape(const Tensor& x, const Conv& conv) {
  return {int(x.size(0)),           int(x.size(2)),           int(x.size(3)), int(x.size(1)),
          int(conv.weight.size(0)), int(conv.weight.size(2)), conv.stride,    conv.same,
          conv.groups > 1};
}

bool fast_norm_fits(const Tensor& x, const BatchNorm& norm) {
  return plain_float(x) && norm.weight.scalar_type() == at::kFloat;
}

Tensor fast_conv(const Tensor& x, const Conv& conv, const Pass&) {
  return FastConv::apply(x, conv.weight, &conv);
}

Tensor fast_norm(const Tensor& x, const BatchNorm& norm, Clip clip, const Pass& pass) {
  return FastNorm::apply(x, norm.weight, norm.bias, &norm, int64_t(clip), pass.batch_statistics());
}

Tensor fast_norm_relu_conv(const Tensor& x, const BatchNorm& norm, const Conv& conv,
                           const Pass& pass) {
  return FastNormReluConv::apply(x, norm.weight, norm.bias, conv.weight, &norm, &conv,
                                 pass.batch_statistics());
}

}  // namespace popaug
