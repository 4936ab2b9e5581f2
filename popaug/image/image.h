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
// The same, but a JPEG is decoded at 1/8, 1/4 or 1/2 of its size, the least that is still at least
// width x height pixels (upright; each at least 1): libjpeg-turbo's scaled decoding. Faster; once
// brought to that size, the pixels are not those of a full decode. Sides are rounded up; the limits
// are those of the whole image.
Image load_image_scaled(const fs::path& path, int width, int height, DecodeInfo* info = nullptr,
                        const DecodeLimits& limits = {});

// RGBA PNG, holes at alpha 0 (RGB where all is opaque, unless `always_alpha`); the same bytes for
// the same pixels.
std::string encode_png(const Image& image, bool always_alpha = false);
// Baseline JPEG, quality 1..100; alpha is ignored.
std::string encode_jpeg(const Image& image, int quality = 90);

// Bilinear with antialiasing, byte-equal to Pillow's resize(BILINEAR) of RGB. Alpha is resized like
// a colour: 255 stays 255, but the edge of a hole would be neither.
Image resize(const Image& image, int width, int height);

namespace plain {
// The obvious twin of it, for tests.
Image resize(const Image& image, int width, int height);
}  // namespace plain

// How the samples of one axis make those of another: output i is the sum over k < taps of input
// first[i] + k, times weights[i * taps + k], over 2^22.
struct ResizeAxis {
  int taps = 0;
  std::vector<int32_t> first, weights;
};

// resize() for one image after another: allocates nothing once it has met, or reserved, the largest
// sizes. Not from two threads at once.
class Resizer {
 public:
  void reserve(int width, int height, int out_width, int out_height);
  // `pixels` are RGBA, rows `row_bytes` apart (so a part of an image will do), `out` without gaps;
  // the two must not overlap. All sides at least 1.
  void run(const uint8_t* pixels, size_t row_bytes, int width, int height, uint8_t* out,
           int out_width, int out_height);

 private:
  ResizeAxis across_, down_;
  std::vector<uint8_t> rows_;  // after the first pass
};

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
