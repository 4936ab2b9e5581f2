// The units of networks that have a fast form. Each makes plain libtorch calls under
// ConvMode::kExact, under kAuto where these are faster, and wherever the fast form does not fit (a
// device, kernel size or stride that it does not support). Autograd works through both.
#ifndef POPAUG_MODEL_INTERNAL_CONV_TORCH_H_
#define POPAUG_MODEL_INTERNAL_CONV_TORCH_H_

#include "popaug/kernels/kernels.h"
#include "popaug/model/internal/layers_torch.h"

namespace popaug {

using kernels::Clip;

// conv(x).
Tensor conv_unit(const Tensor& x, const Conv& conv, const Pass& pass);
// clip(norm(x)).
Tensor norm_unit(const Tensor& x, const BatchNorm& norm, Clip clip, const Pass& pass);
inline Tensor norm_relu_unit(const Tensor& x, const BatchNorm& norm, const Pass& pass) {
  return norm_unit(x, norm, Clip::kRelu, pass);
}
// conv(relu(norm(x))): the unit of pre-activation networks.
Tensor norm_relu_conv_unit(const Tensor& x, const BatchNorm& norm, const Conv& conv,
                           const Pass& pass);
// clip(norm(conv(x))). In evaluation the norm is folded into the convolution if pass.folded is
// given, except where kAuto gains more by the fast form.
Tensor conv_norm_unit(const Tensor& x, const Conv& conv, const BatchNorm& norm, Clip clip,
                      const Pass& pass);

// The fast forms (conv_fast.cc): first whether they fit, then the unit.
bool fast_conv_fits(const Tensor& x, const Conv& conv);
kernels::ConvShape conv_shape(const Tensor& x, const Conv& conv);
Tensor fast_conv(const Tensor& x, const Conv& conv, const Pass& pass);
bool fast_norm_fits(const Tensor& x, const BatchNorm& norm);
Tensor fast_norm(const Tensor& x, const BatchNorm& norm, Clip clip, const Pass& pass);
Tensor fast_norm_relu_conv(const Tensor& x, const BatchNorm& norm, const Conv& conv,
                           const Pass& pass);

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_CONV_TORCH_H_
