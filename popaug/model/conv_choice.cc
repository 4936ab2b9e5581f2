// Where room kernels win, by a table of single layers (docs/decisions/conv-fast.md#auto):
//
// * In training they win everywhere but for few input channels: both backward passes share their
//   transforms, and no normalised tensor is stored.
// * In evaluation Winograd still saves three quarters of the products of a 3x3 convolution. The
//   others are the same number of products as torch's: torch needs longer to begin, room kernels
//   need a little longer for each product, so they win where a layer is small.
#include "popaug/model/internal/conv_choice.h"

#include <algorithm>

namespace popaug {
namespace {

int64_t products_of(const kernels::ConvShape& shape) {
  return int64_t(shape.out_pixels()) * int64_t(shape.weights());
}

}  // namespace

bool fast_conv_pays(const kernels::ConvShape& shape, bool training) {
  if (shape.depthwise) return true;
  if (shape.kernel > 3) return false;
  if (shape.kernel == 3 && shape.in < 8) {
    return (training && shape.stride == 2) || std::max(shape.height, shape.width) <= 14;
  }
  if (training) return true;
  const int64_t products = products_of(shape);
  if (shape.kernel == 3) return shape.stride == 1 || products <= 10'000'000;
  return shape.stride == 2 || products <= 60'000'000;
}

bool fast_conv_beats_folded(const kernels::ConvShape& shape) {
  if (shape.winograd() && std::min(shape.height, shape.width) >= 8) return true;
  return shape.height == 1 && shape.width == 1;
}

}  // namespace popaug
