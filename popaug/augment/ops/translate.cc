// TranslateX and TranslateY: move the image.
#include "popaug/augment/internal/affine_op.h"
#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/levels.h"

namespace popaug::ops {
namespace {

plain::Matrix matrix_x(double pixels) { return {1, 0, pixels, 0, 1, 0}; }
plain::Matrix matrix_y(double pixels) { return {1, 0, 0, 0, 1, pixels}; }

// What both have in common.
OpRow translation(const char* name, const char* summary, PixelScale scale, PixelScale truncated) {
  const double most = 16384;
  const auto values = levels::paper([](int m) { return m; });
  return {.name = name,
          .summary = summary,
          .unit = "px",
          .group = OpGroup::kGeometry,
          .mirrors = true,
          .low = -most,
          .high = most,
          .has_identity = true,
          .identity = 0,
          .holes = HoleEffect::kUncovers,
          .paper = LevelTable{.is_signed = true, .scale = scale, .values = values},
          // torchvision gives shares of an image of 331 pixels.
          .randaugment = LevelTable{.is_signed = true,
                                    .scale = truncated,
                                    .values = levels::linspace(150.0 / 331.0 * 32)},
          .trivial = LevelTable{.is_signed = true, .values = levels::linspace(32)},
          .run = run_shift};
}

}  // namespace

OpRow translate_x() {
  OpRow row =
      translation("TranslateX", "moves sideways", PixelScale::kWidth, PixelScale::kWidthTruncated);
  row.plain = [](Image& image, double pixels, OpContext& context) {
    plain::affine(image, matrix_x(pixels), context);
  };
  row.prepare = [](PreparedOp& op, double pixels, int width, int height) {
    prepare_affine(op, matrix_x(pixels), width, height);
  };
  row.move = [](double pixels, int, int) { return OpMovement{matrix_x(pixels)}; };
  return row;
}

OpRow translate_y() {
  OpRow row = translation("TranslateY", "moves up or down", PixelScale::kHeight,
                          PixelScale::kHeightTruncated);
  row.plain = [](Image& image, double pixels, OpContext& context) {
    plain::affine(image, matrix_y(pixels), context);
  };
  row.prepare = [](PreparedOp& op, double pixels, int width, int height) {
    prepare_affine(op, matrix_y(pixels), width, height);
  };
  row.move = [](double pixels, int, int) { return OpMovement{matrix_y(pixels)}; };
  return row;
}

}  // namespace popaug::ops
