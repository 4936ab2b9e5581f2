// CropBilinear: crops the border and resizes back. Alpha takes part as Pillow lets it: colours are
// premultiplied around the resize.
#include <algorithm>
#include <cstring>

#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/levels.h"

namespace popaug::ops {
namespace {

void premultiply(Image& image) {
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    uint8_t* pixel = image.data() + i;
    for (int c = 0; c < 3; ++c) {
      const uint32_t product = uint32_t{pixel[c]} * pixel[3] + 128;
      pixel[c] = static_cast<uint8_t>(((product >> 8) + product) >> 8);
    }
  }
}

void unpremultiply(Image& image) {
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    uint8_t* pixel = image.data() + i;
    if (pixel[3] == 0 || pixel[3] == 255) continue;
    for (int c = 0; c < 3; ++c) {
      pixel[c] = static_cast<uint8_t>(std::min(255 * int{pixel[c]} / int{pixel[3]}, 255));
    }
  }
}

// At least one pixel stays; Pillow would refuse to crop further.
int margin_of(double pixels, int width, int height) {
  return std::clamp(static_cast<int>(pixels), 0, (std::min(width, height) - 1) / 2);
}

OpMovement move(double pixels, int width, int height) {
  const int margin = margin_of(pixels, width, height);
  const CropBox box = {margin, margin, width - 2 * margin, height - 2 * margin};
  return {enlargement(box, width, height), box};
}

void apply(Image& image, double pixels, OpContext&) {
  const int margin = margin_of(pixels, image.width(), image.height());
  if (margin == 0) return;
  Image cropped(image.width() - 2 * margin, image.height() - 2 * margin);
  for (int y = 0; y < cropped.height(); ++y) {
    std::memcpy(cropped.pixel(0, y), image.pixel(margin, y + margin), size_t{4} * cropped.width());
  }
  premultiply(cropped);
  image = plain::resize(cropped, image.width(), image.height());
  unpremultiply(image);
}

}  // namespace

OpRow crop_bilinear() {
  const auto values = levels::paper([](int m) { return m; });
  return {.name = "CropBilinear",
          .summary = "crops the border and resizes back",
          .unit = "px",
          .group = OpGroup::kGeometry,
          .low = 0,
          .high = 16384,
          .has_identity = true,
          .identity = 0,
          .holes = HoleEffect::kKeeps,
          .paper = LevelTable{.scale = PixelScale::kShorter, .values = values},
          .plain = apply,
          .move = move};
}

}  // namespace popaug::ops
