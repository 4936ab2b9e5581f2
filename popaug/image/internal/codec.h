// The readers of the formats of images, and the steps that they share.
#ifndef POPAUG_IMAGE_INTERNAL_CODEC_H_
#define POPAUG_IMAGE_INTERNAL_CODEC_H_

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

// Both return pixels as stored (orientation not applied). Alpha is composited by the PNG
// decoder. `exif` receives the TIFF block of the file's EXIF data, or stays empty.
Image decode_jpeg(std::string_view bytes, const std::string& origin, DecodeInfo& info,
                  const DecodeLimits& limits, std::string& exif, const AtLeast& at_least = {});
Image decode_png(std::string_view bytes, const std::string& origin, DecodeInfo& info,
                 const DecodeLimits& limits, const DecodeRules& rules, std::string& exif);

// A file and how it is to be read.
struct Encoded {
  std::string_view bytes;
  const std::string& origin;
  const DecodeLimits& limits;
  const DecodeRules& rules;
};

// Each returns opaque pixels as stored. `orientation` receives 1..8 where the file has one
// (EXIF 2.3, tag 0x0112). Of several images in a file, the first is read, which is noted.
Image decode_bmp(const Encoded& file, DecodeInfo& info);
Image decode_gif(const Encoded& file, DecodeInfo& info);
Image decode_pnm(const Encoded& file, DecodeInfo& info);
Image decode_tiff(const Encoded& file, DecodeInfo& info, int& orientation);
Image decode_webp(const Encoded& file, DecodeInfo& info, int& orientation);

inline constexpr char kFirstOfSeveral[] = "taken as the first of several in the file";

// Throws Error if a side or the area is zero or over the limits.
void check_size(uint64_t width, uint64_t height, const std::string& origin,
                const DecodeLimits& limits);
// Throws Error if a file of `file_bytes` cannot contain `unpacked` bytes, for its compression
// reaches at most `ratio`. Asked before anything is allocated.
void check_ratio(uint64_t unpacked, uint64_t ratio, uint64_t file_bytes, uint64_t width,
                 uint64_t height, const std::string& origin);

// The first value of a tag of type SHORT in the first directory of a TIFF block; -1 if absent or
// broken.
int tiff_short(std::string_view tiff, uint32_t tag);
// The orientation tag 1..8 of a TIFF block (EXIF 2.3, tag 0x0112); 1 if absent or broken.
int exif_orientation(std::string_view tiff);
// The image turned upright.
Image oriented(Image image, int orientation);

}  // namespace popaug::codec

#endif  // POPAUG_IMAGE_INTERNAL_CODEC_H_
