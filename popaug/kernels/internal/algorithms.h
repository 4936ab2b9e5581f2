// The convolution algorithms; conv.cc chooses between them.
#ifndef POPAUG_KERNELS_INTERNAL_ALGORITHMS_H_
#define POPAUG_KERNELS_INTERNAL_ALGORITHMS_H_

#include "popaug/kernels/kernels.h"

namespace popaug::kernels {

void winograd_forward(const ConvShape& shape, const float* x, const Activation& act,
                      const float* weights, const float* addend, float* y, Moments* moments,
                      Workspace& workspace);
void winograd_backward(const ConvShape& shape, const float* x, const Activation& act,
                       const float* weights, const Gradient& gradient, float* dweights,
                       const float* addend, float* d, GradientSums* sums, Workspace& workspace);
void winograd_pack(const ConvShape& shape, const float* weights, float* forward, float* backward);

void window_forward(const ConvShape& shape, const float* x, const Activation& act,
                    const float* weights, const float* addend, float* y, Moments* moments,
                    Workspace& workspace);
void window_backward(const ConvShape& shape, const float* x, const Activation& act,
                     const float* weights, const Gradient& gradient, float* dweights,
                     const float* addend, float* d, GradientSums* sums, Workspace& workspace);

// The weights are [kh][kw] of packed matrices.
void tap_forward(const ConvShape& shape, const float* x, const Activation& act,
                 const float* weights, const float* addend, float* y, Moments* moments,
                 Workspace& workspace);
void tap_backward(const ConvShape& shape, const float* x, const Activation& act,
                  const float* weights, const Gradient& gradient, float* dweights,
                  const float* addend, float* d, GradientSums* sums, Workspace& workspace);

// The weights of both directions are [kh][kw][channels].
void depthwise_forward(const ConvShape& shape, const float* x, const Activation& act,
                       const float* weights, const float* addend, float* y, Moments* moments,
                       Workspace& workspace);
void depthwise_backward(const ConvShape& shape, const float* x, const Activation& act,
                        const float* weights, const Gradient& gradient, float* dweights,
                        const float* addend, float* d, GradientSums* sums, Workspace& workspace);

// to [columns][ldt] = from [rows][ldf], transposed.
void transpose(const float* from, size_t rows, size_t columns, size_t ldf, float* to, size_t ldt);

}  // namespace popaug::kernels

#endif  // POPAUG_KERNELS_INTERNAL_ALGORITHMS_H_
