// The steps of a hand-written pass that only move or weigh pixels: shortcuts without weights, and
// the mixed branches of Shake-Shake. Tensors are float32 NHWC.
#ifndef POPAUG_MODEL_INTERNAL_FUSED_PIXELS_H_
#define POPAUG_MODEL_INTERNAL_FUSED_PIXELS_H_

#include "popaug/kernels/kernels.h"

namespace popaug {

// Every `stride`-th pixel of each row and column of `in` channels.
struct PixelGrid {
  int batch = 1, height = 1, width = 1, in = 1;  // of the input
  int stride = 1;
  int out_height() const { return (height - 1) / stride + 1; }
  int out_width() const { return (width - 1) / stride + 1; }
};

// y [.., out]: the pixels of act(x), then zeros up to `out` channels.
void subsample(const PixelGrid& grid, const float* x, const kernels::Activation& act, int out,
               float* y);
// Its backward: d, zero elsewhere, from the gradient of y.
void subsample_backward(const PixelGrid& grid, const float* grad, int out, float* d);

// y [.., 2 in]: the pixels of x, then those that lie `shift` rows and columns before them, zeros
// outside of the image (the two paths of Shake-Shake's shortcut).
void pair_pixels(const PixelGrid& grid, const float* x, int shift, float* y);
// Its backward: d, zero elsewhere, from the gradient of y.
void pair_pixels_backward(const PixelGrid& grid, const float* grad, int shift, float* d);

// A value and how it is read; x is null where there is none.
struct Summand {
  const float* x = nullptr;
  kernels::Activation act;
};
// y = share * act(one) + (1 - share) * act(two) + act(rest), with the share of each image, 1/2 for
// all if `shares` is null; y = act(one) without `two` and `rest`. The norms of `one` and `two` have
// no clip.
void mix_images(int batch, size_t pixels, int channels, const Summand& one, const Summand& two,
                const Summand& rest, const float* shares, float* y);
// y = share * x for each image, (1 - share) * x for the second branch; x [batch][pixels][channels].
void scale_images(int batch, size_t pixels, int channels, const float* x, const float* shares,
                  bool second, float* y);

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_FUSED_PIXELS_H_
