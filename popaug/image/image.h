// The door of room image: pixels, and their way from and to files.
#ifndef POPAUG_IMAGE_IMAGE_H_
#define POPAUG_IMAGE_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// RGBA, 8 bits, row-major, no padding: pixel (x, y) at data()[4 * (y * width + x)]. A grey image
// has equal colour channels. Alpha 0 is a hole, 255 an ordinary pixel.
class Image {
 public:
  Image() = default;
  // Opaque black.
  Image(int width, int height);
  int width() const { return width_; }
  int height() const { return height_; }
  uint8_t* data() { return pixels_.data(); }
  const uint8_t* data() const { return pixels_.data(); }
  uint8_t* pixel(int x, int y) { return data() + 4 * (size_t{1} * y * width_ + x); }
  const uint8_t* pixel(int x, int y) const { return data() + 4 * (size_t{1} * y * width_ + x); }
  size_t size_bytes() const { return pixels_.size(); }
  bool operator==(const Image&) const = default;

 private:
  int width_ = 0, height_ = 0;
  std::vector<uint8_t> pixels_;
};

// What decoding met and did; `notes` are sentences for the user ("alpha composited on black").
struct DecodeInfo {
  bool grey = false;  // the file holds one colour channel
  std::vector<std::string> notes;
};

struct DecodeLimits {
  int side = 16384;                      // pixels
  uint64_t pixels = uint64_t{64} << 20;  // width * height
};

// JPEG or PNG, recognised by content. EXIF orientation is applied, palettes are expanded, 16-bit
// samples scaled, CMYK converted, alpha composited on black: the result is opaque. Throws Error
// starting with `origin` for anything broken, truncated or over the limits.
Image decode_image(std::string_view bytes, const std::string& origin, DecodeInfo* info = nullptr,
                   const DecodeLimits& limits = {});
Image load_image(const fs::path& path, DecodeInfo* info = nullptr, const DecodeLimits& limits = {});

// RGBA PNG, holes at alpha 0 (RGB where all is opaque, unless `always_alpha`); the same bytes for
// the same pixels.
std::string encode_png(const Image& image, bool always_alpha = false);
// Baseline JPEG, quality 1..100; alpha is ignored.
std::string encode_jpeg(const Image& image, int quality = 90);

// Bilinear with antialiasing, byte-equal to Pillow's resize(BILINEAR) of RGB.
Image resize(const Image& image, int width, int height);

// Images in a grid, `columns` wide, with captions (printable ASCII) under each and a title on top;
// holes show a chequered ground. Cells take the size of the largest image, scaled up by the whole
// number `zoom`.
struct SheetCell {
  Image image;
  std::string caption;
};
Image contact_sheet(const std::vector<SheetCell>& cells, int columns, int zoom,
                    const std::string& title);

}  // namespace popaug

#endif  // POPAUG_IMAGE_IMAGE_H_
