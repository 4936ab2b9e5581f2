#include "popaug/model/conv_torch.h"

namespace popaug {

bool fast_conv_fits(const Tensor&, const Conv&) { return false; }
bool fast_norm_fits(const Tensor&, const BatchNorm&) { return false; }

Tensor fast_conv(const Tensor& x, const Conv& conv, const Pass& pass) {
  return conv_unit(x, conv, pass);
}
Tensor fast_norm_relu(const Tensor& x, const BatchNorm& norm, const Pass& pass) {
  return norm_relu_unit(x, norm, pass);
}
Tensor fast_norm_relu_conv(const Tensor& x, const BatchNorm& norm, const Conv& conv,
                           const Pass& pass) {
  return norm_relu_conv_unit(x, norm, conv, pass);
}

}  // namespace popaug
