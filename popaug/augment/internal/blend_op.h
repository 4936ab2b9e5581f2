// What Brightness, Color, Contrast and Sharpness share: a blend by a factor.
#ifndef POPAUG_AUGMENT_INTERNAL_BLEND_OP_H_
#define POPAUG_AUGMENT_INTERNAL_BLEND_OP_H_

#include "popaug/augment/internal/prepared_op.h"

namespace popaug {

// The row of such an op but for its name, summary, plain twin and `run`.
OpRow blend_row();

// OpRow::prepare of such an op: the parameters of its `run` are a simd::Blend.
void prepare_blend(PreparedOp& op, double factor, int width, int height);

// Blends each colour of the image with one value.
void blend_with_value(const Kernels& kernels, Workspace& work, uint8_t from,
                      const simd::Blend& blend);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_INTERNAL_BLEND_OP_H_
