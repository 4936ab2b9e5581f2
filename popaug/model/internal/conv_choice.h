// Which kernels ConvMode::kAuto takes for a layer: a rule on its shape, never a clock, so that a
// training gives the same bytes on every day.
#ifndef POPAUG_MODEL_INTERNAL_CONV_CHOICE_H_
#define POPAUG_MODEL_INTERNAL_CONV_CHOICE_H_

#include "popaug/kernels/kernels.h"

namespace popaug {

// Whether room kernels do this convolution faster than torch, forward alone or, in `training`, with
// both backward passes. From the table of docs/decisions/conv-fast.md#auto.
bool fast_conv_pays(const kernels::ConvShape& shape, bool training);
// Whether, in evaluation, they do so by more than it costs to apply the batch norm afterwards,
// which torch folds into the weights.
bool fast_conv_beats_folded(const kernels::ConvShape& shape);

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_CONV_CHOICE_H_
