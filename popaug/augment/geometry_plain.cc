// Affine ops, nearest neighbour: Pillow's three paths (integer scale, 16.16 fixed point, floating
// point), chosen as Pillow chooses, because they round differently.
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

#include "popaug/augment/ops_plain.h"

namespace popaug::plain {
namespace {

// Truncation towards zero, with every negative coordinate outside.
int coordinate(double value) { return value < 0.0 ? -1 : static_cast<int>(value); }

int32_t fixed(double value) { return static_cast<int32_t>(std::floor(value * 65536.0 + 0.5)); }

// Whether the corners stay in what 16.16 can hold.
bool fits_fixed(const Matrix& a, double x, double y) {
  return std::fabs(x * a[0] + y * a[1] + a[2]) < 32768.0 &&
         std::fabs(x * a[3] + y * a[4] + a[5]) < 32768.0;
}

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

// Python's round(value, 15), which is correctly rounded decimal arithmetic, for |value| <= 1.
double round15(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15f", value);
  return std::strtod(text, nullptr);
}

void transpose(Image& image, const Image& source, int quarter_turns) {
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const int last_x = source.width() - 1, last_y = source.height() - 1;
      const auto [xin, yin] = quarter_turns == 1   ? std::pair(last_x - y, x)
                              : quarter_turns == 2 ? std::pair(last_x - x, last_y - y)
                                                   : std::pair(y, last_y - x);
      std::memcpy(image.pixel(x, y), source.pixel(xin, yin), 4);
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
  const bool fits = fits_fixed(a, 0, 0) && fits_fixed(a, width, height) &&
                    fits_fixed(a, 0, height) && fits_fixed(a, width, 0);
  fits ? fixed_path(map, a, width, height) : floating_path(map, a, width, height);
}

Matrix rotation(double degrees, int width, int height) {
  const double angle = -(degrees * (std::numbers::pi / 180.0));
  const double cosine = round15(std::cos(angle)), sine = round15(std::sin(angle));
  const double minus_sine = round15(-std::sin(angle));
  const double centre_x = width / 2.0, centre_y = height / 2.0;
  return {cosine,     sine,   cosine * -centre_x + sine * -centre_y + 0.0 + centre_x,
          minus_sine, cosine, minus_sine * -centre_x + cosine * -centre_y + 0.0 + centre_y};
}

void rotate(Image& image, double degrees, OpContext& context) {
  double angle = std::fmod(degrees, 360.0);
  if (angle < 0) angle += 360.0;
  if (angle == 0 || angle == 360.0) return;
  const bool square = image.width() == image.height();
  if (angle == 180 || (square && (angle == 90 || angle == 270))) {
    const Image source = image;
    return transpose(image, source, static_cast<int>(angle) / 90);
  }
  affine(image, rotation(angle, image.width(), image.height()), context);
}

void translate_x(Image& image, double pixels, OpContext& context) {
  affine(image, {1, 0, pixels, 0, 1, 0}, context);
}

void translate_y(Image& image, double pixels, OpContext& context) {
  affine(image, {1, 0, 0, 0, 1, pixels}, context);
}

void shear_x(Image& image, double value, OpContext& context) {
  affine(image, {1, value, 0, 0, 1, 0}, context);
}

void shear_y(Image& image, double value, OpContext& context) {
  affine(image, {1, 0, 0, value, 1, 0}, context);
}

void flip_lr(Image& image, double, OpContext&) {
  const Image source = image;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      std::memcpy(image.pixel(x, y), source.pixel(image.width() - 1 - x, y), 4);
    }
  }
}

void flip_ud(Image& image, double, OpContext&) {
  const Image source = image;
  for (int y = 0; y < image.height(); ++y) {
    std::memcpy(image.pixel(0, y), source.pixel(0, image.height() - 1 - y),
                size_t{4} * image.width());
  }
}

}  // namespace popaug::plain
