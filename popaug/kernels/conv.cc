#include <algorithm>
#include <cassert>
#include <cstring>
#include <vector>

#include "popaug/kernels/internal/algorithms.h"
#include "popaug/kernels/internal/layout.h"
#include "popaug/kernels/kernels.h"

namespace popaug::kernels {
namespace {

void check(const ConvShape& s) {
  assert(s.batch > 0 && s.height > 0 && s.width > 0 && s.in > 0 && s.out > 0);
  assert(s.kernel % 2 == 1 && s.kernel <= 7 && (s.stride == 1 || s.stride == 2));
  assert(!s.depthwise || (s.in == s.out && (s.kernel == 3 || s.kernel == 5)));
  static_cast<void>(s);
}

constexpr int kTapSide = 3;

// Of an image of one pixel, only the middle of the kernel counts: a convolution of kernel 1.
bool one_pixel(const ConvShape& s) {
  return s.height == 1 && s.width == 1 && s.kernel > 1 && !s.depthwise;
}
ConvShape middle_of(const ConvShape& s) { return {s.batch, 1, 1, s.in, s.out, 1, 1}; }

// Images so small that padding and tiles would cost more than the products.
bool by_taps(const ConvShape& s) { return s.winograd() && std::max(s.height, s.width) <= kTapSide; }

// Packs the matrix at(row, column) as layout.h describes.
template <class At>
void pack_panels(size_t depth, size_t columns, const At& at, float* to) {
  for (size_t k = 0; k < depth; k += kDepthBlock) {
    const size_t rows = std::min(kDepthBlock, depth - k);
    for (size_t n = 0; n < columns; n += kPanel) {
      at(k, rows, n, std::min(kPanel, columns - n), to);
      to += rows * kPanel;
    }
  }
}

// Weights [out][window], `ld` floats from row to row, as the right factors of y = x w and
// dx = dy w'.
void pack_windows(const float* weights, size_t out, size_t window, size_t ld, float* forward,
                  float* backward) {
  const auto zero_rest = [](size_t rows, size_t columns, float* to) {
    for (size_t r = 0; r < rows && columns < kPanel; ++r) {
      std::memset(to + r * kPanel + columns, 0, (kPanel - columns) * sizeof(float));
    }
  };
  pack_panels(
      window, out,
      [&](size_t k, size_t rows, size_t n, size_t columns, float* to) {
        transpose(weights + n * ld + k, columns, rows, ld, to, kPanel);
        zero_rest(rows, columns, to);
      },
      forward);
  pack_panels(
      out, window,
      [&](size_t k, size_t rows, size_t n, size_t columns, float* to) {
        for (size_t r = 0; r < rows; ++r) {
          std::memcpy(to + r * kPanel, weights + (k + r) * ld + n, columns * sizeof(float));
        }
        zero_rest(rows, columns, to);
      },
      backward);
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
  if (by_taps(shape)) {
    const size_t taps = kernel * kernel, f_floats = packed_floats(in, out);
    const size_t b_floats = packed_floats(out, in);
    forward_.reserve(taps * f_floats);
    backward_.reserve(taps * b_floats);
    for (size_t tap = 0; tap < taps; ++tap) {
      pack_windows(weights + tap * in, out, in, taps * in, forward_.data() + tap * f_floats,
                   backward_.data() + tap * b_floats);
    }
    return;
  }
  if (shape.winograd()) {
    forward_.reserve(kPoints * packed_plane(in, out));
    backward_.reserve(kPoints * packed_plane(out, in));
    winograd_pack(shape, weights, forward_.data(), backward_.data());
    return;
  }
  if (shape.depthwise) {
    forward_.reserve(kernel * kernel * out);
    transpose(weights, out, kernel * kernel, kernel * kernel, forward_.data(), out);
    return;
  }
  const size_t taps = one_pixel(shape) ? 1 : kernel * kernel, window = taps * in;
  forward_.reserve(packed_floats(window, out));
  backward_.reserve(packed_floats(out, window));
  if (!one_pixel(shape)) {
    pack_windows(weights, out, window, window, forward_.data(), backward_.data());
    return;
  }
  std::vector<float> middle(out * in);
  for (size_t o = 0; o < out; ++o) {
    std::memcpy(middle.data() + o * in, weights + (o * kernel * kernel + kernel * kernel / 2) * in,
                in * sizeof(float));
  }
  pack_windows(middle.data(), out, in, in, forward_.data(), backward_.data());
}

void conv_forward(const ConvShape& shape, const float* x, const Activation& act,
                  const Weights& weights, const float* addend, float* y, Moments* moments,
                  Workspace& workspace) {
  check(shape);
  const auto run = shape.depthwise    ? depthwise_forward
                   : by_taps(shape)   ? tap_forward
                   : shape.winograd() ? winograd_forward
                                      : window_forward;
  run(one_pixel(shape) ? middle_of(shape) : shape, x, act, weights.forward(), addend, y, moments,
      workspace);
}

void conv_backward(const ConvShape& shape, const float* x, const Activation& act,
                   const Weights& weights, const Gradient& gradient, float* dweights,
                   const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  check(shape);
  if (one_pixel(shape)) {
    const size_t in = size_t(shape.in), out = size_t(shape.out);
    const size_t taps = size_t(shape.kernel) * size_t(shape.kernel);
    std::vector<float> middle(dweights != nullptr ? out * in : 0);
    window_backward(middle_of(shape), x, act, weights.backward(), gradient,
                    dweights ? middle.data() : nullptr, addend, d, sums, workspace);
    if (dweights == nullptr) return;
    std::memset(dweights, 0, shape.weights() * sizeof(float));
    for (size_t o = 0; o < out; ++o) {
      std::memcpy(dweights + (o * taps + taps / 2) * in, middle.data() + o * in,
                  in * sizeof(float));
    }
    return;
  }
  const auto run = shape.depthwise    ? depthwise_backward
                   : by_taps(shape)   ? tap_backward
                   : shape.winograd() ? winograd_backward
                                      : window_backward;
  run(shape, x, act, shape.depthwise ? weights.forward() : weights.backward(), gradient, dweights,
      addend, d, sums, workspace);
}

}  // namespace popaug::kernels
