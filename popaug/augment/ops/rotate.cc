// Rotate: Pillow's Image.rotate, which turns the image about its centre.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numbers>
#include <utility>

#include "popaug/augment/internal/affine_op.h"
#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/levels.h"

namespace popaug::ops {
namespace {

// The angle in 0 .. 360.
double within_circle(double degrees) {
  const double angle = std::fmod(degrees, 360.0);
  return angle < 0 ? angle + 360.0 : angle;
}

bool is_still(double angle) { return angle == 0 || angle == 360.0; }

// Python's round(value, 15), which is correctly rounded decimal arithmetic, for |value| <= 1.
double round15(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15f", value);
  return std::strtod(text, nullptr);
}

// The matrix of Pillow's Image.rotate for an image of this size.
plain::Matrix rotation(double degrees, int width, int height) {
  const double angle = -(degrees * (std::numbers::pi / 180.0));
  const double cosine = round15(std::cos(angle)), sine = round15(std::sin(angle));
  const double minus_sine = round15(-std::sin(angle));
  const double centre_x = width / 2.0, centre_y = height / 2.0;
  return {cosine,     sine,   cosine * -centre_x + sine * -centre_y + 0.0 + centre_x,
          minus_sine, cosine, minus_sine * -centre_x + cosine * -centre_y + 0.0 + centre_y};
}

void transpose(Image& image, int quarter_turns) {
  const Image source = image;
  const int last_x = source.width() - 1, last_y = source.height() - 1;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const auto [xin, yin] = quarter_turns == 1   ? std::pair(last_x - y, x)
                              : quarter_turns == 2 ? std::pair(last_x - x, last_y - y)
                                                   : std::pair(y, last_y - x);
      std::memcpy(image.pixel(x, y), source.pixel(xin, yin), 4);
    }
  }
}

void apply(Image& image, double degrees, OpContext& context) {
  const double angle = within_circle(degrees);
  if (is_still(angle)) return;
  const bool square = image.width() == image.height();
  if (angle == 180 || (square && (angle == 90 || angle == 270))) {
    return transpose(image, static_cast<int>(angle) / 90);
  }
  plain::affine(image, rotation(angle, image.width(), image.height()), context);
}

void prepare(PreparedOp& op, double degrees, int width, int height) {
  const double angle = within_circle(degrees);
  if (is_still(angle)) return op.use_nothing();
  if (std::fmod(angle, 90.0) == 0) return op.use_plain_twin();
  prepare_affine(op, rotation(angle, width, height), width, height);
}

// Without the rounding of Pillow's matrix, which moves no pixel.
OpMovement move(double degrees, int width, int height) {
  const double angle = -degrees * (std::numbers::pi / 180.0);
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double x = width / 2.0, y = height / 2.0;
  return {{cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y}};
}

}  // namespace

OpRow rotate() {
  const auto values = levels::paper([](int m) { return 3 * m; });
  return {.name = "Rotate",
          .summary = "turns about the centre",
          .unit = "degrees",
          .group = OpGroup::kGeometry,
          .mirrors = true,
          .low = -360,
          .high = 360,
          .has_identity = true,
          .identity = 0,
          .holes = HoleEffect::kUncovers,
          .paper = LevelTable{.is_signed = true, .values = values},
          .randaugment = LevelTable{.is_signed = true, .values = levels::linspace(30)},
          .trivial = LevelTable{.is_signed = true, .values = levels::linspace(135)},
          .plain = apply,
          .prepare = prepare,
          .run = run_affine,
          .move = move};
}

}  // namespace popaug::ops
