#include "popaug/augment/internal/workspace.h"

#include "popaug/augment/internal/packed_pixels.h"

namespace popaug {

Workspace::Workspace(int width, int height)
    : width_(width),
      height_(height),
      size_(size_t{1} * width * height),
      columns_(8 * size_t{1} * width + 256),
      line_(3 * size_t{1} * width) {
  // slack, image, slack, image, slack; each image on a cache line.
  const size_t room = (size_ + 15) / 16 * 16;
  const size_t count = 2 * room + 3 * simd::kSlack + 16;
  memory_ = std::make_unique<uint32_t[]>(count);
  const auto address = reinterpret_cast<uintptr_t>(memory_.get());
  uint32_t* begin = memory_.get() + (64 - address % 64) % 64 / 4;
  current_ = begin + simd::kSlack;
  other_ = current_ + room + simd::kSlack;
}

}  // namespace popaug
