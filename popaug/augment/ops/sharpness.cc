// Sharpness: a blend of the smoothed image and the image.
#include "popaug/augment/internal/blend_op.h"
#include "popaug/augment/internal/blend_plain.h"
#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/filter_plain.h"

namespace popaug::ops {
namespace {

void apply(Image& image, double factor, OpContext&) {
  Image smoothed = image;
  plain::smooth(smoothed);
  plain::blend(image, smoothed, factor);
}

void run(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext&) {
  kernels.sharpness.sharpness(work.pixels(), work.other(), work.width(), work.height(),
                              op.parameters<simd::Blend>(), work.columns());
  work.swap();
}

}  // namespace

OpRow sharpness() {
  OpRow row = blend_row();
  row.name = "Sharpness";
  row.summary = "blends with the smoothed image";
  row.group = OpGroup::kTone;
  row.plain = apply;
  row.run = run;
  return row;
}

}  // namespace popaug::ops
