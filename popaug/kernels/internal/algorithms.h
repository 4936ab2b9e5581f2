// The convolution algorithms; conv.cc chooses between them.
#ifndef POPAUG_KERNELS_INTERNAL_ALGORITHMS_H_
#define POPAUG_KERNELS_INTERNAL_ALGORITHMS_H_

#include "popaug/kernels/kernels.h"

namespace popaug::kernels {

// What conv_forward() and conv_backward() of kernels.h do, by one algorithm.
using ForwardPass = void(const ConvShape& shape, const float* x, const Activation& act,
                         const float* weights, const float* addend, float* y, Moments* moments,
                         Workspace& workspace);
using BackwardPass = void(const ConvShape& shape, const float* x, const Activation& act,
                          const float* weights, const Gradient& gradient, float* dweights,
                          const float* addend, float* d, GradientSums* sums, Workspace& workspace);

ForwardPass winograd_forward;
BackwardPass winograd_backward;
void winograd_pack(const ConvShape& shape, const float* weights, float* forward, float* backward);

ForwardPass window_forward;
BackwardPass window_backward;

// The weights are [kh][kw] of packed matrices.
ForwardPass tap_forward;
BackwardPass tap_backward;

// The weights of both directions are [kh][kw][channels].
ForwardPass depthwise_forward;
BackwardPass depthwise_backward;

// to [columns][ldt] = from [rows][ldf], transposed.
void transpose(const float* from, size_t rows, size_t columns, size_t ldf, float* to, size_t ldt);

}  // namespace popaug::kernels

#endif  // POPAUG_KERNELS_INTERNAL_ALGORITHMS_H_
