// Convolutions of any kernel and stride as products of matrices. A padded, contiguous row of act(x)
// already is a matrix: its row for output pixel i is the window that starts at pixel stride * i and
// is kernel * in floats long. So nothing has to be gathered.
#include <cstring>

#include "popaug/kernels/internal/layout.h"
#include "popaug/kernels/internal/winograd.h"
#include "popaug/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/kernels/window_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// These follow foreach_target.h.
#include "popaug/kernels/internal/gemm-inl.h"
#include "popaug/kernels/internal/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::kernels {
namespace HWY_NAMESPACE {

// Sums are flushed to double after at most this many rows.
inline constexpr size_t kFlushRows = 16;

// What both directions need to know of a shape.
struct WindowPlan {
  explicit WindowPlan(const ConvShape& s)
      : kernel(size_t(s.kernel)),
        pad((kernel - 1) / 2),
        stride(size_t(s.stride)),
        in(size_t(s.in)),
        out(size_t(s.out)),
        height(size_t(s.height)),
        width(size_t(s.width)),
        out_height(size_t(s.out_height())),
        out_width(size_t(s.out_width())),
        // Vectors may read past the last window, so there is one extra line.
        row_floats(whole_lines((width + 2 * pad + stride) * in) + kLine),
        window(kernel * in) {}
  size_t kernel, pad, stride, in, out, height, width, out_height, out_width, row_floats, window;

  // Row y - pad of an image as act(x), or zeros outside of it. Padding pixels are zero beforehand.
  void read(const float* x, const Activation& act, size_t image, size_t y, float* to) const {
    if (y < pad || y >= pad + height) {
      std::memset(to, 0, row_floats * sizeof(float));
    } else {
      ActivateRow(act, x + (image * height + y - pad) * width * in, width, in, to + pad * in, in);
    }
  }
};

void WindowForward(const ConvShape& shape, const float* x, const Activation& act,
                   const float* weights, const float* addend, float* y, Moments* moments,
                   Workspace& workspace) {
  const WindowPlan plan(shape);
  const size_t ldo = leading(plan.out), u_plane = plane(plan.window, plan.out);
  BufferLayout layout;
  const size_t at_rows = layout.add(plan.kernel * plan.row_floats);
  const size_t at_out = layout.add(plan.out_width * ldo);
  const size_t at_sums = layout.add(BlockSums::floats(plan.out));
  float* memory = workspace.reserve(layout.total());
  float *rows = memory + at_rows, *out = memory + at_out;
  std::memset(rows, 0, plan.kernel * plan.row_floats * sizeof(float));
  BlockSums sums(memory + at_sums, plan.out);
  for (size_t image = 0; image < size_t(shape.batch); ++image) {
    for (size_t oy = 0; oy < plan.out_height; ++oy) {
      for (size_t u = 0; u < plan.kernel; ++u) {
        float* row = rows + u * plan.row_floats;
        plan.read(x, act, image, plan.stride * oy + u, row);
        Multiply<false>(plan.out_width, plan.out, plan.window, {row, plan.stride * plan.in},
                        weights + u * u_plane, ldo, out, ldo, u > 0);
      }
      const size_t at = (image * plan.out_height + oy) * plan.out_width * plan.out;
      FinishRow(out, ldo, addend ? addend + at : nullptr, plan.out_width, plan.out, y + at,
                moments ? &sums : nullptr);
      const bool last = oy + 1 == plan.out_height;
      if (moments && (last || oy % kFlushRows == kFlushRows - 1)) sums.flush(moments);
    }
  }
}

// image[(stride * oy + u)][stride * ox ...] += windows[ox].
HWY_INLINE void ScatterWindows(const WindowPlan& plan, const float* windows, size_t ld,
                               float* row) {
  for (size_t ox = 0; ox < plan.out_width; ++ox) {
    const float* from = windows + ox * ld;
    float* to = row + ox * plan.stride * plan.in;
    ForChannels(plan.window, [&](auto d, size_t c) HWY_ATTR {
      hn::StoreU(hn::Add(hn::LoadU(d, to + c), hn::LoadU(d, from + c)), d, to + c);
    });
  }
}

void WindowBackward(const ConvShape& shape, const float* x, const Activation& act,
                    const float* weights, const Gradient& gradient, float* dweights,
                    const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  const WindowPlan plan(shape);
  const size_t ldw = leading(plan.window), b_plane = plane(plan.out, plan.window);
  const size_t stride = whole_lines(plan.out), padded_height = plan.height + 2 * plan.pad + 1;
  BufferLayout layout;
  const size_t at_rows = layout.add(plan.kernel * plan.row_floats);
  const size_t at_grad = layout.add(plan.out_width * stride);
  const size_t at_w = layout.add(plan.kernel * b_plane);
  const size_t at_windows = layout.add(plan.out_width * ldw);
  const size_t at_image = layout.add(padded_height * plan.row_floats);
  const size_t at_sums = layout.add(BlockSums::floats(plan.in));
  float* memory = workspace.reserve(layout.total());
  float *rows = memory + at_rows, *grad = memory + at_grad, *w = memory + at_w;
  float *windows = memory + at_windows, *acc = memory + at_image;
  std::memset(rows, 0, plan.kernel * plan.row_floats * sizeof(float));
  BlockSums block(memory + at_sums, plan.in);
  for (size_t image = 0; image < size_t(shape.batch); ++image) {
    if (d) std::memset(acc, 0, padded_height * plan.row_floats * sizeof(float));
    for (size_t oy = 0; oy < plan.out_height; ++oy) {
      GradientRow(gradient, (image * plan.out_height + oy) * plan.out_width, plan.out_width,
                  plan.out, grad, stride);
      for (size_t u = 0; u < plan.kernel; ++u) {
        if (dweights) {
          float* row = rows + u * plan.row_floats;
          plan.read(x, act, image, plan.stride * oy + u, row);
          Multiply<true>(plan.out, plan.window, plan.out_width, {grad, stride}, row,
                         plan.stride * plan.in, w + u * b_plane, ldw, image + oy > 0);
        }
        if (d) {
          Multiply<false>(plan.out_width, plan.window, plan.out, {grad, stride},
                          weights + u * b_plane, ldw, windows, ldw, false);
          ScatterWindows(plan, windows, ldw, acc + (plan.stride * oy + u) * plan.row_floats);
        }
      }
    }
    for (size_t y = 0; d != nullptr && y < plan.height; ++y) {
      const float* from = acc + (y + plan.pad) * plan.row_floats + plan.pad * plan.in;
      const size_t at = (image * plan.height + y) * plan.width * plan.in;
      const float* add = addend ? addend + at : nullptr;
      if (act) {
        FinishMaskedRow(from, plan.in, add, x + at, act, true, plan.width, plan.in, d + at,
                        sums ? &block : nullptr);
      } else {
        FinishRow(from, plan.in, add, plan.width, plan.in, d + at, nullptr);
      }
      if (sums && (y + 1 == plan.height || y % kFlushRows == kFlushRows - 1)) block.flush(sums);
    }
  }
  for (size_t o = 0; dweights != nullptr && o < plan.out; ++o) {
    for (size_t u = 0; u < plan.kernel; ++u) {
      std::memcpy(dweights + (o * plan.kernel + u) * plan.window, w + u * b_plane + o * ldw,
                  plan.window * sizeof(float));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::kernels {
HWY_EXPORT(WindowForward);
HWY_EXPORT(WindowBackward);

void window_forward(const ConvShape& shape, const float* x, const Activation& act,
                    const float* weights, const float* addend, float* y, Moments* moments,
                    Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(WindowForward)(shape, x, act, weights, addend, y, moments, workspace);
}

void window_backward(const ConvShape& shape, const float* x, const Activation& act,
                     const float* weights, const Gradient& gradient, float* dweights,
                     const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(WindowBackward)
  (shape, x, act, weights, gradient, dweights, addend, d, sums, workspace);
}

}  // namespace popaug::kernels
#endif  // HWY_ONCE
