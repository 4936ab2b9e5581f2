// Which kernels ConvMode::kAuto takes for a layer: a rule on its shape, never a clock, so that a
// training gives the same bytes on every day.
#ifndef POPAUG_MODEL_INTERNAL_CONV_CHOICE_H_
#define POPAUG_MODEL_INTERNAL_CONV_CHOICE_H_

#include "popaug/kernels/kernels.h"

namespace popaug {

// Whether room kernels do this convolution faster than torch, forward alone or, in `training`, with
// both backward passes. From the table of docs/decisions/conv-fast.md#auto.
bool fast_conv_pays(const kernels::ConvShape& shape, bool training);

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_CONV_CHOICE_H_
