// The door of room image: pixels, and their way from and to files.
#ifndef POPAUG_IMAGE_IMAGE_H_
#define POPAUG_IMAGE_IMAGE_H_

#include <array>
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
  bool grey = false;                        // the file holds one colour channel
  int sample_low = 65535, sample_high = 0;  // of 16-bit colour samples; low > high: there are none
  std::vector<std::string> notes;
  // Of the notes, those about files that depart from their format although every pixel is there.
  std::vector<std::string> irregular;

  void add_irregular(const std::string& note) {
    notes.push_back(note);
    irregular.push_back(note);
  }
};

// How the samples of a file become the 8 bits of an Image.
struct DecodeRules {
  int low = 0, high = 65535;  // 16-bit samples: these become 0 and 255, what is beyond is clipped
  std::array<uint8_t, 3> background = {0, 0, 0};  // what transparent pixels are laid over
};

struct DecodeLimits {
  int side = 16384;                      // pixels
  uint64_t pixels = uint64_t{64} << 20;  // width * height
};

// The name of the format of an image by its first bytes (64 are enough): "JPEG", "PNG", "WebP",
// "BMP", "GIF", "TIFF", "PNM"; also of formats that are not read: "AVIF", "HEIC", "JPEG XL",
// "JPEG 2000". "" for anything else.
std::string_view image_format(std::string_view begin);

// An image of a format that is read, recognised by content; the first of several in a file. Its
// orientation is applied, palettes are expanded, 16-bit samples scaled and alpha composited by
// `rules`, CMYK converted: the result is opaque. Throws Error starting with `origin` for anything
// broken, truncated, over the limits or of another format.
Image decode_image(std::string_view bytes, const std::string& origin, DecodeInfo* info = nullptr,
                   const DecodeLimits& limits = {}, const DecodeRules& rules = {});
Image load_image(const fs::path& path, DecodeInfo* info = nullptr, const DecodeLimits& limits = {},
                 const DecodeRules& rules = {});
// The same, but a JPEG is decoded at 1/8, 1/4 or 1/2 of its size, the least that is still at least
// width x height pixels (upright; each at least 1): libjpeg-turbo's scaled decoding. Faster; once
// brought to that size, the pixels are not those of a full decode. Sides are rounded up; the limits
// are those of the whole image.
Image load_image_scaled(const fs::path& path, int width, int height, DecodeInfo* info = nullptr,
                        const DecodeLimits& limits = {}, const DecodeRules& rules = {});

// RGBA PNG, holes at alpha 0 (RGB where all is opaque, unless `always_alpha`); the same bytes for
// the same pixels.
std::string encode_png(const Image& image, bool always_alpha = false);
// Baseline JPEG, quality 1..100; alpha is ignored.
std::string encode_jpeg(const Image& image, int quality = 90);

// Bilinear with antialiasing, byte-equal to Pillow's resize(BILINEAR) of RGB. Alpha is resized like
// a colour: 255 stays 255, but the edge of a hole would be neither.
Image resize(const Image& image, int width, int height);

// How an image of another shape becomes one of width x height.
enum class Fit {
  kStretch,  // each side is resized by itself
  kCrop,     // resized until it covers the size, then its centre: torchvision's Resize, CenterCrop
  kPad,      // resized until it fits in, on a border of its mean colour
};
// Into what it is resized, and where its upper left corner is cut (kCrop) or put (kPad). Sides are
// rounded down, halves of what is left to even numbers: as torchvision does for square sizes.
struct FitPlan {
  int width, height, left, top;
};
FitPlan plan_fit(int image_width, int image_height, int width, int height, Fit fit);
// The pixels are those of resize(). Of an opaque image, the result is opaque.
Image fit_image(const Image& image, int width, int height, Fit fit);
// "stretch" (or ""), "crop", "pad". Throws UsageError.
Fit parse_fit(std::string_view text);
std::string fit_name(Fit fit);

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
