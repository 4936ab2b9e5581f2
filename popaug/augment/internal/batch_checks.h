// What a caller's batch must be like; each check throws an Error in a sentence.
#ifndef POPAUG_AUGMENT_INTERNAL_BATCH_CHECKS_H_
#define POPAUG_AUGMENT_INTERNAL_BATCH_CHECKS_H_

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <string>

#include "popaug/augment/augmenter.h"

namespace popaug {

inline std::string size_text(int width, int height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

inline void check_size(int width, int height) {
  if (width < 1 || height < 1 || width > 16384 || height > 16384) {
    throw Error("augmentation: images of " + size_text(width, height) +
                "; expected 1..16384 pixels a side");
  }
}

inline void check_batch(const ByteBatch& images, std::span<const uint32_t> indices) {
  check_size(images.width, images.height);
  const size_t bytes = size_t{1} * images.width * images.height * images.channels;
  if (indices.size() > 1 && images.stride < bytes) {
    throw Error("augmentation: a stride of " + std::to_string(images.stride) +
                " bytes between images of " + std::to_string(bytes) + " bytes");
  }
}

// An axis is wide enough if it steps over all that the narrower ones reach: then no two elements
// share a place. Nobody lays arrays out otherwise, but for mistakes such as a stride of 0.
template <typename Output>
void check_strides(const Output& out, size_t count, int channels, int height, int width) {
  struct Axis {
    size_t step, steps;
  };
  const auto axis = [](ptrdiff_t stride, size_t length) {
    return Axis{static_cast<size_t>(std::abs(stride)), length - 1};
  };
  std::array<Axis, 4> axes = {axis(out.sn, std::max<size_t>(count, 1)), axis(out.sc, channels),
                              axis(out.sy, height), axis(out.sx, width)};
  std::sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) { return a.step < b.step; });
  size_t reach = 0;
  for (const Axis& a : axes) {
    if (a.steps > 0 && a.step <= reach) {
      throw Error("augmentation: output strides of " + std::to_string(out.sn) + ", " +
                  std::to_string(out.sc) + ", " + std::to_string(out.sy) + ", " +
                  std::to_string(out.sx) + " (image, channel, row, column) for " +
                  std::to_string(count) + " images of " + size_text(width, height) + "x" +
                  std::to_string(channels) + " make elements share a place");
    }
    reach += a.step * a.steps;
  }
}

}  // namespace popaug

#endif  // POPAUG_AUGMENT_INTERNAL_BATCH_CHECKS_H_
