// Shake and drop: mix or scale branches by separate draws for every image; dropout of features.
#ifndef POPAUG_MODEL_INTERNAL_MIX_TORCH_H_
#define POPAUG_MODEL_INTERNAL_MIX_TORCH_H_

#include <vector>

#include "popaug/model/internal/layers_torch.h"

namespace popaug {

// One number per image for the forward pass and one for the backward pass, [n, 1, 1, 1].
struct Mix {
  Tensor forth, back;
};

// Uniform shares alpha and beta in [0, 1) (Shake-Shake, section 2.2); with `ratio` u1 / (u1 + u2)
// of two uniform numbers each, as published (docs/pba.md#networks).
Mix shake_draws(const Pass& pass, int block, int64_t images, bool ratio);
// The factors gate + alpha - gate alpha and gate + beta - gate beta of ShakeDrop (equation 6): gate
// is 1 with probability `keep`, alpha uniform in [-1, 1), beta in [0, 1).
Mix drop_draws(const Pass& pass, int block, int64_t images, double keep);

// What dropout multiplies features by, [images, features]: 0 with probability pass.head_dropout p,
// else 1 / (1 - p) (Srivastava et al., JMLR 2014, inverted).
Tensor dropout_factors(const Pass& pass, int64_t images, int64_t features);

// forth * one + (1 - forth) * two in the forward pass, with `back` instead of `forth` in the
// backward pass.
Tensor shake(const Tensor& one, const Tensor& two, const Mix& mix);
// forth * x in the forward pass, back * gradient in the backward pass.
Tensor scale_each(const Tensor& x, const Mix& mix);

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_MIX_TORCH_H_
