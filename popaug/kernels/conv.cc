#include <cassert>
#include <cstring>

#include "popaug/kernels/internal/layout.h"
#include "popaug/kernels/internal/winograd.h"
#include "popaug/kernels/kernels.h"

namespace popaug::kernels {
namespace {

void check(const ConvShape& s) {
  assert(s.batch > 0 && s.height > 0 && s.width > 0 && s.in > 0 && s.out > 0);
  assert((s.kernel == 1 || s.kernel == 3) && (s.stride == 1 || s.stride == 2));
  static_cast<void>(s);
}

}  // namespace

void transpose(const float* from, size_t rows, size_t columns, size_t ldf, float* to, size_t ldt) {
  constexpr size_t kTile = 16;
  for (size_t r = 0; r < rows; r += kTile) {
    const size_t r_end = std::min(r + kTile, rows);
    for (size_t c = 0; c < columns; c += kTile) {
      const size_t c_end = std::min(c + kTile, columns);
      for (size_t j = c; j < c_end; ++j) {
        for (size_t i = r; i < r_end; ++i) to[j * ldt + i] = from[i * ldf + j];
      }
    }
  }
}

void Weights::pack(const ConvShape& shape, const float* weights) {
  check(shape);
  const size_t in = size_t(shape.in), out = size_t(shape.out), kernel = size_t(shape.kernel);
  if (shape.winograd()) {
    forward_.reserve(kPoints * plane(in, out));
    backward_.reserve(kPoints * plane(out, in));
    winograd_pack(shape, weights, forward_.data(), backward_.data());
    return;
  }
  const size_t window = kernel * in;
  forward_.reserve(kernel * plane(window, out));
  backward_.reserve(kernel * plane(out, window));
  for (size_t u = 0; u < kernel; ++u) {
    float* rows = backward_.data() + u * plane(out, window);
    for (size_t o = 0; o < out; ++o) {
      std::memcpy(rows + o * leading(window), weights + (o * kernel + u) * window,
                  window * sizeof(float));
    }
    transpose(rows, out, window, leading(window), forward_.data() + u * plane(window, out),
              leading(out));
  }
}

void conv_forward(const ConvShape& shape, const float* x, const Activation& act,
                  const Weights& weights, const float* addend, float* y, Moments* moments,
                  Workspace& workspace) {
  check(shape);
  const auto run = shape.winograd() ? winograd_forward : window_forward;
  run(shape, x, act, weights.forward(), addend, y, moments, workspace);
}

void conv_backward(const ConvShape& shape, const float* x, const Activation& act,
                   const Weights& weights, const Gradient& gradient, float* dweights,
                   const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  check(shape);
  const auto run = shape.winograd() ? winograd_backward : window_backward;
  run(shape, x, act, weights.backward(), gradient, dweights, addend, d, sums, workspace);
}

}  // namespace popaug::kernels
