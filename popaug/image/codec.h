// Private to room image: the two codecs, and the steps that both share.
#ifndef POPAUG_IMAGE_CODEC_H_
#define POPAUG_IMAGE_CODEC_H_

#include <string>
#include <string_view>

#include "popaug/image/image.h"

namespace popaug::codec {

bool is_jpeg(std::string_view bytes);
bool is_png(std::string_view bytes);

// What an image must at least measure, upright, after scaled decoding; 0: decode in full.
struct AtLeast {
  int width = 0, height = 0;
};

// Both return pixels as stored (orientation not applied). Alpha is composited on black by the PNG
// decoder. `exif` receives the TIFF block of the file's EXIF data, or stays empty.
Image decode_jpeg(std::string_view bytes, const std::string& origin, DecodeInfo& info,
                  const DecodeLimits& limits, std::string& exif, const AtLeast& at_least = {});
Image decode_png(std::string_view bytes, const std::string& origin, DecodeInfo& info,
                 const DecodeLimits& limits, std::string& exif);

// Throws Error if a side or the area is zero or over the limits.
void check_size(uint64_t width, uint64_t height, const std::string& origin,
                const DecodeLimits& limits);

// The orientation tag 1..8 of a TIFF block (EXIF 2.3, tag 0x0112); 1 if absent or broken.
int exif_orientation(std::string_view tiff);
// The image turned upright.
Image oriented(Image image, int orientation);

}  // namespace popaug::codec

#endif  // POPAUG_IMAGE_CODEC_H_
