// Pillow's ImageEnhance: a blend of a degenerate image and the image by a float32 factor. Colours
// under holes take part (in the mean, in the filter); alpha stays as it was.
#include "popaug/augment/ops_plain.h"

namespace popaug::plain {
namespace {

// Image.blend: truncates inside 0..1, clips outside. No fused multiply-add (REFERENCE 2).
uint8_t blend(uint8_t from, uint8_t to, float factor) {
  const float difference = static_cast<float>(int{to} - int{from});
  const float value = static_cast<float>(from) + factor * difference;
  if (factor >= 0.0f && factor <= 1.0f) return static_cast<uint8_t>(value);
  if (value <= 0.0f) return 0;
  if (value >= 255.0f) return 255;
  return static_cast<uint8_t>(value);
}

// Blends each colour of each pixel from degenerate(pixel, channel).
template <typename Degenerate>
void enhance(Image& image, double factor, Degenerate degenerate) {
  const float f = static_cast<float>(factor);
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    uint8_t* pixel = image.data() + i;
    const std::array<uint8_t, 3> from = degenerate(pixel, i);
    for (int c = 0; c < 3; ++c) pixel[c] = blend(from[c], pixel[c], f);
  }
}

}  // namespace

void brightness(Image& image, double factor, OpContext&) {
  enhance(image, factor, [](const uint8_t*, size_t) { return std::array<uint8_t, 3>{0, 0, 0}; });
}

void color(Image& image, double factor, OpContext&) {
  enhance(image, factor, [](const uint8_t* pixel, size_t) {
    const uint8_t grey = grey_of(pixel);
    return std::array<uint8_t, 3>{grey, grey, grey};
  });
}

void contrast(Image& image, double factor, OpContext&) {
  uint64_t sum = 0;
  for (size_t i = 0; i < image.size_bytes(); i += 4) sum += grey_of(image.data() + i);
  const size_t pixels = image.size_bytes() / 4;
  const auto count = static_cast<double>(pixels);
  const auto mean = static_cast<uint8_t>(static_cast<double>(sum) / count + 0.5);
  enhance(image, factor, [mean](const uint8_t*, size_t) {
    return std::array<uint8_t, 3>{mean, mean, mean};
  });
}

void sharpness(Image& image, double factor, OpContext& context) {
  Image smoothed = image;
  smooth(smoothed, 0, context);
  enhance(image, factor, [&smoothed](const uint8_t*, size_t i) {
    const uint8_t* from = smoothed.data() + i;
    return std::array<uint8_t, 3>{from[0], from[1], from[2]};
  });
}

}  // namespace popaug::plain
