#include "popaug/augment/internal/mix_plain.h"

#include <cstring>

namespace popaug::plain {
namespace {

// False where every pixel is a hole.
bool mean_colour(const Image& image, std::array<uint8_t, 3>& mean) {
  std::array<uint64_t, 3> sum{};
  uint64_t count = 0;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const uint8_t* pixel = image.pixel(x, y);
      if (pixel[3] == 0) continue;
      for (int c = 0; c < 3; ++c) sum[c] += pixel[c];
      ++count;
    }
  }
  if (count == 0) return false;
  for (int c = 0; c < 3; ++c) mean[c] = static_cast<uint8_t>((2 * sum[c] + count) / (2 * count));
  return true;
}

}  // namespace

void erase(Image& image, const BaseDraw& draw, EraseFill fill, bool grey) {
  std::array<uint8_t, 3> mean{};
  const bool has_mean = fill == EraseFill::kMean && mean_colour(image, mean);
  Random noise({.seed = draw.noise_seed, .purpose = Purpose::kBaseTransform});
  for (int y = draw.erase.top; y < draw.erase.bottom; ++y) {
    for (int x = draw.erase.left; x < draw.erase.right; ++x) {
      uint8_t* pixel = image.pixel(x, y);
      std::memset(pixel, 0, 4);
      if (fill == EraseFill::kHole || (fill == EraseFill::kMean && !has_mean)) continue;
      pixel[3] = 255;
      const uint32_t word = fill == EraseFill::kNoise ? noise.next32() : 0;
      for (int c = 0; c < 3; ++c) {
        const auto drawn = static_cast<uint8_t>(word >> (grey ? 0 : 8 * c));
        pixel[c] = fill == EraseFill::kNoise ? drawn : mean[c];
      }
    }
  }
}

void mix(Image& image, const Image& partner, const MixDraw& draw,
         const std::array<uint8_t, 3>& hole) {
  if (draw.share == 1) return;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      uint8_t* pixel = image.pixel(x, y);
      const uint8_t* other = partner.pixel(x, y);
      if (draw.kind == MixKind::kCutMix) {
        const bool inside =
            x >= draw.box.left && x < draw.box.right && y >= draw.box.top && y < draw.box.bottom;
        if (inside) std::memcpy(pixel, other, 4);
      } else if (draw.kind == MixKind::kMixup) {
        const bool first_hole = pixel[3] == 0, second_hole = other[3] == 0;
        for (int c = 0; c < 3; ++c) {
          const int a = first_hole ? hole[c] : pixel[c], b = second_hole ? hole[c] : other[c];
          const int mixed = (a * draw.weight + b * (256 - draw.weight) + 128) / 256;
          pixel[c] = first_hole && second_hole ? 0 : static_cast<uint8_t>(mixed);
        }
        pixel[3] = first_hole && second_hole ? 0 : 255;
      }
    }
  }
}

}  // namespace popaug::plain
