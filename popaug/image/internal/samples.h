// How samples that are not opaque RGB of 8 bits become such pixels: the same in every format.
#ifndef POPAUG_IMAGE_INTERNAL_SAMPLES_H_
#define POPAUG_IMAGE_INTERNAL_SAMPLES_H_

#include <cstdint>

#include "popaug/image/image.h"

namespace popaug::codec {

// 16-bit samples to 8 bits, to the nearest: rules.low becomes 0, rules.high 255.
class SixteenBits {
 public:
  explicit SixteenBits(const DecodeRules& rules) : rules_(rules) {}
  uint8_t colour(int sample);
  // Alpha always has its full range.
  static uint8_t alpha(int sample);
  // Records the least and the largest colour that was seen, and notes that samples were scaled.
  void record(DecodeInfo& info) const;

 private:
  DecodeRules rules_;
  int low_ = 65535, high_ = 0;
};

// Lays the pixels over rules.background, which is noted if any was not opaque.
void composite(Image& image, const DecodeRules& rules, DecodeInfo& info);

// Turns inks into light as Pillow does, in place; 255 is no ink. Alpha becomes 255.
void cmyk_to_rgba(uint8_t* row, int width);

}  // namespace popaug::codec

#endif  // POPAUG_IMAGE_INTERNAL_SAMPLES_H_
