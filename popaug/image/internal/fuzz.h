// What the fuzz targets of the formats share.
#ifndef POPAUG_IMAGE_INTERNAL_FUZZ_H_
#define POPAUG_IMAGE_INTERNAL_FUZZ_H_

#include "popaug/image/image.h"

namespace popaug {

// Bytes of this format are refused, or become an opaque image within the limits, whatever the
// rules; grey, if that is said.
inline void fuzz_format(const uint8_t* data, size_t size, std::string_view format) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (image_format(bytes) != format) return;
  const DecodeLimits limits = {.side = 512, .pixels = 1 << 16};
  const std::array<DecodeRules, 2> rules = {
      DecodeRules{}, DecodeRules{.low = 300, .high = 4000, .background = {255, 255, 255}}};
  for (const DecodeRules& rule : rules) {
    try {
      DecodeInfo info;
      const Image image = decode_image(bytes, "fuzz", &info, limits, rule);
      POPAUG_ASSERT(image.width() <= limits.side && image.height() <= limits.side);
      for (size_t i = 0; i < image.size_bytes(); i += 4) {
        const uint8_t* p = image.data() + i;
        POPAUG_ASSERT(p[3] == 255);
        POPAUG_ASSERT(!info.grey || (p[0] == p[1] && p[0] == p[2]));
      }
    } catch (const Error&) {
    }
  }
}

}  // namespace popaug

#endif  // POPAUG_IMAGE_INTERNAL_FUZZ_H_
