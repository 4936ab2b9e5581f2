// ShearX and ShearY: slant the image about its first row or column.
#include "popaug/augment/internal/affine_op.h"
#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/levels.h"

namespace popaug::ops {
namespace {

plain::Matrix matrix_x(double share) { return {1, share, 0, 0, 1, 0}; }
plain::Matrix matrix_y(double share) { return {1, 0, 0, share, 1, 0}; }

// What both have in common.
OpRow shear(const char* name, const char* summary) {
  const auto values = levels::paper([](int m) { return m * 3 / 100.0; });
  return {.name = name,
          .summary = summary,
          .unit = "share",
          .group = OpGroup::kGeometry,
          .mirrors = true,
          .low = -10,
          .high = 10,
          .has_identity = true,
          .identity = 0,
          .holes = HoleEffect::kUncovers,
          .paper = LevelTable{.is_signed = true, .values = values},
          .randaugment = LevelTable{.is_signed = true, .values = levels::linspace(0.3)},
          .trivial = LevelTable{.is_signed = true, .values = levels::linspace(0.99)},
          .run = run_affine};
}

}  // namespace

OpRow shear_x() {
  OpRow row = shear("ShearX", "slants sideways");
  row.plain = [](Image& image, double share, OpContext& context) {
    plain::affine(image, matrix_x(share), context);
  };
  row.prepare = [](PreparedOp& op, double share, int width, int height) {
    prepare_affine(op, matrix_x(share), width, height);
  };
  row.move = [](double share, int, int) { return OpMovement{matrix_x(share)}; };
  return row;
}

OpRow shear_y() {
  OpRow row = shear("ShearY", "slants up or down");
  row.plain = [](Image& image, double share, OpContext& context) {
    plain::affine(image, matrix_y(share), context);
  };
  row.prepare = [](PreparedOp& op, double share, int width, int height) {
    prepare_affine(op, matrix_y(share), width, height);
  };
  row.move = [](double share, int, int) { return OpMovement{matrix_y(share)}; };
  return row;
}

}  // namespace popaug::ops
