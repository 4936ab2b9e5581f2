// Where room kernels win, by a table of single layers (docs/decisions/conv-fast.md#auto):
//
// * Winograd saves three quarters of the products of a 3x3 convolution, if its tiles of 4x4 pixels
//   are full. With fewer pixels it computes products for nothing, and transforms of wide weights
//   then cost more than they save.
// * Everything else is the same number of products. torch needs longer to begin, room kernels need
//   longer for each product: they win where a layer is small.
#include "popaug/model/internal/conv_choice.h"

#include <algorithm>

namespace popaug {
namespace {

bool winograd_pays(const kernels::ConvShape& shape, bool training) {
  const int side = std::min(shape.height, shape.width);
  const int64_t width = int64_t{shape.in} * shape.out;
  if (!training) return side >= 7 || (side >= 2 && width <= 32 * 32);
  if (side >= 4) return true;
  if (side == 3) return width <= 256 * 256;
  return width <= (side == 2 ? 64 * 64 : 32 * 32);
}

}  // namespace

bool fast_conv_pays(const kernels::ConvShape& shape, bool training) {
  if (shape.depthwise) return true;
  if (shape.kernel > 3) return false;
  if (shape.winograd()) return winograd_pays(shape, training);
  const int side = std::max(shape.height, shape.width);
  const int64_t width = int64_t{shape.in} * shape.out;
  const int64_t products = int64_t(shape.out_pixels()) * int64_t(shape.weights());
  if (shape.kernel == 3) {
    if (shape.in < 8) return side <= (training && shape.stride == 2 ? 56 : 14);
    return width <= 32 * 64 && products <= (training ? 200'000'000 : 30'000'000);
  }
  if (shape.stride == 2) return width <= 64 * 128 && products <= 40'000'000;
  return products <= 6'000'000;
}

}  // namespace popaug
