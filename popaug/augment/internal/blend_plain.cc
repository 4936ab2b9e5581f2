#include "popaug/augment/internal/blend_plain.h"

#include <cstring>

namespace popaug::plain {
namespace {

// Image.blend: truncates inside 0..1, clips outside. No fused multiply-add (docs/pba.md#numbers).
uint8_t blend_byte(uint8_t from, uint8_t to, float factor) {
  const float difference = static_cast<float>(int{to} - int{from});
  const float value = static_cast<float>(from) + factor * difference;
  if (factor >= 0.0f && factor <= 1.0f) return static_cast<uint8_t>(value);
  if (value <= 0.0f) return 0;
  if (value >= 255.0f) return 255;
  return static_cast<uint8_t>(value);
}

}  // namespace

Image flat_image(int width, int height, uint8_t grey) {
  Image image(width, height);
  std::memset(image.data(), grey, image.size_bytes());
  return image;
}

void blend(Image& image, const Image& from, double factor) {
  const float f = static_cast<float>(factor);
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    for (size_t c = i; c < i + 3; ++c) {
      image.data()[c] = blend_byte(from.data()[c], image.data()[c], f);
    }
  }
}

}  // namespace popaug::plain
