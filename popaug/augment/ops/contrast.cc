// Contrast: a blend of the mean grey and the image.
#include "popaug/augment/internal/blend_op.h"
#include "popaug/augment/internal/blend_plain.h"
#include "popaug/augment/internal/built_in_ops.h"

namespace popaug::ops {
namespace {

uint8_t rounded_mean(uint64_t sum, size_t pixels) {
  return static_cast<uint8_t>(static_cast<double>(sum) / static_cast<double>(pixels) + 0.5);
}

void apply(Image& image, double factor, OpContext&) {
  uint64_t sum = 0;
  for (size_t i = 0; i < image.size_bytes(); i += 4) sum += plain::grey_of(image.data() + i);
  const uint8_t mean = rounded_mean(sum, image.size_bytes() / 4);
  plain::blend(image, plain::flat_image(image.width(), image.height(), mean), factor);
}

void run(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext&) {
  const uint64_t sum = kernels.blend.grey_sum(work.pixels(), work.size());
  const uint8_t mean = rounded_mean(sum, work.size());
  blend_with_value(kernels, work, mean, op.parameters<simd::Blend>());
}

}  // namespace

OpRow contrast() {
  OpRow row = blend_row();
  row.name = "Contrast";
  row.summary = "blends with the mean grey";
  row.plain = apply;
  row.run = run;
  return row;
}

}  // namespace popaug::ops
