// Brightness: a blend of black and the image.
#include "popaug/augment/internal/blend_op.h"
#include "popaug/augment/internal/blend_plain.h"
#include "popaug/augment/internal/built_in_ops.h"

namespace popaug::ops {
namespace {

void apply(Image& image, double factor, OpContext&) {
  plain::blend(image, plain::flat_image(image.width(), image.height(), 0), factor);
}

void run(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext&) {
  blend_with_value(kernels, work, 0, op.parameters<simd::Blend>());
}

}  // namespace

OpRow brightness() {
  OpRow row = blend_row();
  row.name = "Brightness";
  row.summary = "blends with black";
  row.plain = apply;
  row.run = run;
  return row;
}

}  // namespace popaug::ops
