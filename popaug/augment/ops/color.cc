// Color: a blend of the grey image and the image.
#include "popaug/augment/internal/blend_op.h"
#include "popaug/augment/internal/blend_plain.h"
#include "popaug/augment/internal/built_in_ops.h"

namespace popaug::ops {
namespace {

void apply(Image& image, double factor, OpContext&) {
  Image grey(image.width(), image.height());
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    for (size_t c = i; c < i + 3; ++c) grey.data()[c] = plain::grey_of(image.data() + i);
  }
  plain::blend(image, grey, factor);
}

void run(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext&) {
  kernels.blend.blend_grey(work.pixels(), work.size(), op.parameters<simd::Blend>());
}

}  // namespace

OpRow color() {
  OpRow row = blend_row();
  row.name = "Color";
  row.summary = "blends with the grey image";
  row.changes_grey = false;
  row.plain = apply;
  row.run = run;
  return row;
}

}  // namespace popaug::ops
