// A training on given batches, step by step, with everything written down: what tests compare with
// other implementations.
#ifndef POPAUG_TRAIN_TRACE_H_
#define POPAUG_TRAIN_TRACE_H_

#include <string>

#include "popaug/base/base.h"

namespace popaug {

// `request`: {"network", "classes", "lr", "momentum", "weight_decay", "clip", "label_smoothing",
// "conv", "shards"}. `in` holds tensors "images" [steps, batch, channels, height, width] F32,
// "labels" [steps, batch] I64 and the starting weights under their names; `out` gets
// "evaluation" (logits of the first batch after the last step, with running statistics), "loss"
// [steps], "norm" [steps] (of the gradient with its L2 part), "gradient.NAME" of the first
// step's loss, NAME after the last step, and "mix.STEP" [blocks * 2, batch], forth and back of each
// block, for networks that draw.
void trace_training(const Json& request, const fs::path& in, const fs::path& out);

}  // namespace popaug

#endif  // POPAUG_TRAIN_TRACE_H_
