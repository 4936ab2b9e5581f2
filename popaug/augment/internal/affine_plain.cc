#include "popaug/augment/internal/affine_plain.h"

#include <cmath>
#include <cstring>

namespace popaug::plain {
namespace {

// Truncation towards zero, with every negative coordinate outside.
int coordinate(double value) { return value < 0.0 ? -1 : static_cast<int>(value); }

class Mapper {
 public:
  Mapper(const Image& source, Image& target) : source_(source), target_(target) {}
  // Output (x, y) shows input (xin, yin); nothing where that is outside.
  void copy(int x, int y, int xin, int yin) {
    if (xin < 0 || xin >= source_.width() || yin < 0 || yin >= source_.height()) return;
    std::memcpy(target_.pixel(x, y), source_.pixel(xin, yin), 4);
  }

 private:
  const Image& source_;
  Image& target_;
};

void scale_path(Mapper& map, const Matrix& a, int width, int height) {
  double yo = a[5] + a[4] * 0.5;
  for (int y = 0; y < height; ++y, yo += a[4]) {
    double xo = a[2] + a[0] * 0.5;
    for (int x = 0; x < width; ++x, xo += a[0]) map.copy(x, y, coordinate(xo), coordinate(yo));
  }
}

void fixed_path(Mapper& map, const Matrix& a, int width, int height) {
  // Sums of fixed-point steps may pass 32 bits only where no pixel is; wrap as unsigned.
  const uint32_t a0 = fixed(a[0]), a1 = fixed(a[1]), a3 = fixed(a[3]), a4 = fixed(a[4]);
  uint32_t row_x = fixed(a[2] + a[0] * 0.5 + a[1] * 0.5);
  uint32_t row_y = fixed(a[5] + a[3] * 0.5 + a[4] * 0.5);
  for (int y = 0; y < height; ++y, row_x += a1, row_y += a4) {
    uint32_t xx = row_x, yy = row_y;
    for (int x = 0; x < width; ++x, xx += a0, yy += a3) {
      map.copy(x, y, static_cast<int32_t>(xx) >> 16, static_cast<int32_t>(yy) >> 16);
    }
  }
}

void floating_path(Mapper& map, const Matrix& a, int width, int height) {
  double row_x = a[2] + a[1] * 0.5 + a[0] * 0.5;
  double row_y = a[5] + a[4] * 0.5 + a[3] * 0.5;
  for (int y = 0; y < height; ++y, row_x += a[1], row_y += a[4]) {
    double xx = row_x, yy = row_y;
    for (int x = 0; x < width; ++x, xx += a[0], yy += a[3]) {
      map.copy(x, y, coordinate(xx), coordinate(yy));
    }
  }
}

}  // namespace

void affine(Image& image, const Matrix& a, const OpContext& context) {
  const int width = image.width(), height = image.height();
  const Image source = image;
  if (context.hole_fill) {
    std::memset(image.data(), 0, image.size_bytes());
  } else {
    image = Image(width, height);
  }
  Mapper map(source, image);
  if (a[1] == 0 && a[3] == 0) return scale_path(map, a, width, height);
  fits_fixed(a, width, height) ? fixed_path(map, a, width, height)
                               : floating_path(map, a, width, height);
}

bool fits_fixed(const Matrix& a, int width, int height) {
  const auto fits = [&](double x, double y) {
    return std::fabs(x * a[0] + y * a[1] + a[2]) < 32768.0 &&
           std::fabs(x * a[3] + y * a[4] + a[5]) < 32768.0;
  };
  return fits(0, 0) && fits(width, height) && fits(0, height) && fits(width, 0);
}

int32_t fixed(double value) { return static_cast<int32_t>(std::floor(value * 65536.0 + 0.5)); }

}  // namespace popaug::plain
