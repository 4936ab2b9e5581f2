// FlipLR and FlipUD: mirror the image.
#include <cstring>

#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/prepared_op.h"

namespace popaug::ops {
namespace {

void apply_lr(Image& image, double, OpContext&) {
  const Image source = image;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      std::memcpy(image.pixel(x, y), source.pixel(image.width() - 1 - x, y), 4);
    }
  }
}

void run_lr(const PreparedOp&, const Kernels& kernels, Workspace& work, OpContext&) {
  kernels.pixels.crop(work.pixels(), work.width(), work.height(), {.flip = true}, work.other());
  work.swap();
}

void apply_ud(Image& image, double, OpContext&) {
  const Image source = image;
  for (int y = 0; y < image.height(); ++y) {
    std::memcpy(image.pixel(0, y), source.pixel(0, image.height() - 1 - y),
                size_t{4} * image.width());
  }
}

}  // namespace

OpRow flip_lr() {
  return {.name = "FlipLR",
          .summary = "mirrors left and right",
          .unit = "",
          .group = OpGroup::kGeometry,
          .uses_value = false,
          .holes = HoleEffect::kKeeps,
          .paper = LevelTable{},
          .plain = apply_lr,
          .run = run_lr,
          .move = [](double, int width, int) {
            return OpMovement{{-1, 0, double(width), 0, 1, 0}};
          }};
}

OpRow flip_ud() {
  return {.name = "FlipUD",
          .summary = "mirrors top and bottom",
          .unit = "",
          .group = OpGroup::kGeometry,
          .uses_value = false,
          .holes = HoleEffect::kKeeps,
          .paper = LevelTable{},
          .plain = apply_ud,
          .move = [](double, int, int height) {
            return OpMovement{{1, 0, 0, 0, -1, double(height)}};
          }};
}

}  // namespace popaug::ops
