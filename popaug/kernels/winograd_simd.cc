// 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3) (Lavin and Gray, arXiv 1509.09308).
//
// An output tile of 4 x 4 pixels depends on 6 x 6 input pixels and takes 144 multiplications per
// pair of channels. Evaluating both factors at 6 points in each direction, multiplying the values
// and interpolating takes 36. Interpolation is linear, so the sum over input channels may be taken
// before it: for each of the 36 points p, many tiles and channels form one matrix product
// M[p] = V[p] U[p], with V the transformed input (tiles x in), U the transformed weights (in x out)
// and M the transformed output. The work is done in blocks of tiles: read act(x) row by row and
// transform it to V; multiply, and prefetch what comes next; transform M back and finish the rows.
// V and M of a block stay in the second-level cache. RowWindow keeps the rows that tiles share.
//
// The backward pass uses the adjoint transforms. The gradient of y is transformed once for both
// products: with V for the gradient of the weights, with U for the gradient of x, whose overlapping
// tiles are added. docs/decisions/conv-fast.md explains the choice of points.
#include <cstring>
#include <utility>

#include "popaug/kernels/internal/algorithms.h"
#include "popaug/kernels/internal/layout.h"
#include "popaug/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/kernels/winograd_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// These follow foreach_target.h.
#include "popaug/kernels/internal/gemm-inl.h"
#include "popaug/kernels/internal/rows-inl.h"
#include "popaug/kernels/internal/transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::kernels {
namespace HWY_NAMESPACE {

// The window of rows above a row of tiles. Going down the image, the last two rows of a window are
// the first two of the next.
template <size_t kRows>
struct RowWindow {
  RowWindow(float* memory, size_t row_floats) {
    std::memset(memory, 0, kRows * row_floats * sizeof(float));
    for (size_t i = 0; i < kRows; ++i) row[i] = memory + i * row_floats;
  }
  void step() {
    std::swap(row[0], row[kRows - 2]);
    std::swap(row[1], row[kRows - 1]);
  }
  float* row[kRows];
};

// Reads act(x) for one row of tiles and transforms it: v[point][first + tile][channel].
class InputRows {
 public:
  InputRows(const ConvShape& shape, const TilePlan& plan, const float* x, const Activation& act,
            float* memory)
      : shape_(shape),
        plan_(plan),
        x_(x),
        act_(act),
        channels_(size_t(shape.in)),
        stride_(whole_lines(channels_)),
        window_(memory, plan.row_pixels * stride_) {}

  static size_t floats(const ConvShape& shape, const TilePlan& plan) {
    return 6 * plan.row_pixels * whole_lines(size_t(shape.in));
  }

  HWY_INLINE void transform(size_t row, size_t first, float* v, size_t v_plane) {
    const size_t image = row / plan_.tiles_y, ty = row % plan_.tiles_y;
    if (ty > 0) window_.step();
    for (size_t i = ty > 0 ? 2 : 0; i < 6; ++i) read(image, 4 * ty + i, window_.row[i]);
    const size_t ld = leading(channels_), stride = stride_, tiles = plan_.tiles_x;
    float* const* rows = window_.row;
    ForChannels(channels_, [&](auto d, size_t c) HWY_ATTR {
      for (size_t tx = 0; tx < tiles; ++tx) {
        const size_t from = 4 * tx * stride + c;
        float* to = v + (first + tx) * ld + c;
        TransformBt(
            d, [&](int i, int j) HWY_ATTR { return hn::LoadU(d, rows[i] + from + j * stride); },
            [&](int i, int j, auto w) HWY_ATTR { hn::StoreU(w, d, to + (i * 6 + j) * v_plane); });
      }
    });
  }

 private:
  // Row y - 1 of an image, with one pixel of padding before it.
  void read(size_t image, size_t y, float* to) const {
    const size_t height = size_t(shape_.height), width = size_t(shape_.width);
    if (y < 1 || y > height) {
      std::memset(to, 0, plan_.row_pixels * stride_ * sizeof(float));
      return;
    }
    ActivateRow(act_, x_ + ((image * height + y - 1) * width) * channels_, width, channels_,
                to + stride_, stride_);
  }

  const ConvShape& shape_;
  const TilePlan& plan_;
  const float* x_;
  const Activation& act_;
  size_t channels_, stride_;
  RowWindow<6> window_;
};

void WinogradForward(const ConvShape& shape, const float* x, const Activation& act,
                     const float* weights, const float* addend, float* y, Moments* moments,
                     Workspace& workspace) {
  const TilePlan plan(shape);
  const size_t in = size_t(shape.in), out = size_t(shape.out);
  const size_t height = size_t(shape.height), width = size_t(shape.width);
  const size_t ldi = leading(in), ldo = leading(out), stride = whole_lines(out);
  const size_t v_plane = plane(plan.tiles, in), m_plane = plane(plan.tiles, out);
  const size_t u_plane = packed_plane(in, out), row_floats = 4 * plan.tiles_x * stride;
  BufferLayout layout;
  const size_t at_v = layout.add(kPoints * v_plane), at_m = layout.add(kPoints * m_plane);
  const size_t at_in = layout.add(InputRows::floats(shape, plan));
  const size_t at_out = layout.add(4 * row_floats), at_sums = layout.add(BlockSums::floats(out));
  float* memory = workspace.reserve(layout.total());
  float *v = memory + at_v, *m = memory + at_m, *rows = memory + at_out;
  InputRows input(shape, plan, x, act, memory + at_in);
  BlockSums sums(memory + at_sums, out);
  CachePrefetch prefetch;

  for (size_t begin = 0; begin < plan.rows; begin += plan.block_rows) {
    const size_t end = std::min(begin + plan.block_rows, plan.rows);
    for (size_t r = begin; r < end; ++r) {
      input.transform(r, (r - begin) * plan.tiles_x, v, v_plane);
    }
    const size_t here = plan.first_pixel(shape, begin), next = plan.first_pixel(shape, end);
    const size_t after = plan.first_pixel(shape, end + plan.block_rows);
    prefetch.clear();
    prefetch.read(addend, here * out, (next - here) * out);
    prefetch.write(y, here * out, (next - here) * out);
    prefetch.read(x, next * in, (after - next) * in);
    for (size_t p = 0; p < kPoints; ++p) {
      prefetch.fetch(p, kPoints);
      MultiplyPacked((end - begin) * plan.tiles_x, out, in, {v + p * v_plane, ldi},
                     weights + p * u_plane, m + p * m_plane, ldo);
    }
    for (size_t r = begin; r < end; ++r) {
      const size_t first = (r - begin) * plan.tiles_x;
      ForChannels(out, [&](auto d, size_t c) HWY_ATTR {
        for (size_t tx = 0; tx < plan.tiles_x; ++tx) {
          const float* from = m + (first + tx) * ldo + c;
          float* to = rows + 4 * tx * stride + c;
          TransformAt(
              d, [&](int i, int j) HWY_ATTR { return hn::LoadU(d, from + (i * 6 + j) * m_plane); },
              [&](int i, int j, auto w)
                  HWY_ATTR { hn::StoreU(w, d, to + i * row_floats + j * stride); });
        }
      });
      const size_t image = r / plan.tiles_y, top = r % plan.tiles_y * 4;
      for (size_t i = 0; i < 4 && top + i < height; ++i) {
        const size_t at = (image * height + top + i) * width * out;
        FinishRow(rows + i * row_floats, stride, addend ? addend + at : nullptr, width, out, y + at,
                  moments ? &sums : nullptr);
      }
    }
    if (moments) sums.flush(moments);
  }
}

// Reads the gradient of one row of tiles and transforms it: g[point][first + tile][channel].
class GradientRows {
 public:
  GradientRows(const ConvShape& shape, const TilePlan& plan, const Gradient& gradient,
               float* memory)
      : shape_(shape),
        plan_(plan),
        gradient_(gradient),
        rows_(memory),
        stride_(whole_lines(size_t(shape.out))),
        row_floats_(4 * plan.tiles_x * stride_) {
    std::memset(memory, 0, floats(shape, plan) * sizeof(float));
  }
  static size_t floats(const ConvShape& shape, const TilePlan& plan) {
    return 4 * 4 * plan.tiles_x * whole_lines(size_t(shape.out));
  }
  HWY_INLINE void transform(size_t row, size_t first, float* g, size_t g_plane) {
    const size_t image = row / plan_.tiles_y, top = row % plan_.tiles_y * 4;
    const size_t height = size_t(shape_.height), width = size_t(shape_.width);
    const size_t channels = size_t(shape_.out), ld = leading(channels);
    const size_t stride = stride_, row_floats = row_floats_, tiles = plan_.tiles_x;
    const float* rows = rows_;
    for (size_t i = 0; i < 4; ++i) {
      float* to = rows_ + i * row_floats;
      if (top + i < height) {
        GradientRow(gradient_, (image * height + top + i) * width, width, channels, to, stride);
      } else {
        std::memset(to, 0, row_floats * sizeof(float));
      }
    }
    ForChannels(channels, [&](auto d, size_t c) HWY_ATTR {
      for (size_t tx = 0; tx < tiles; ++tx) {
        const float* from = rows + 4 * tx * stride + c;
        float* to = g + (first + tx) * ld + c;
        TransformA(
            d,
            [&](int i, int j) HWY_ATTR { return hn::LoadU(d, from + i * row_floats + j * stride); },
            [&](int i, int j, auto w) HWY_ATTR { hn::StoreU(w, d, to + (i * 6 + j) * g_plane); });
      }
    });
  }

 private:
  const ConvShape& shape_;
  const TilePlan& plan_;
  const Gradient& gradient_;
  float* rows_;
  size_t stride_, row_floats_;
};

// Transforms products back to gradients of the input, whose tiles of 6 x 6 overlap by two.
class InputGradientRows {
 public:
  InputGradientRows(const ConvShape& shape, const TilePlan& plan, GradientWriter& writer,
                    float* memory)
      : shape_(shape),
        plan_(plan),
        writer_(writer),
        channels_(size_t(shape.in)),
        stride_(whole_lines(channels_)),
        window_(memory, plan.row_pixels * stride_) {}

  HWY_INLINE void transform(size_t row, size_t first, const float* m, size_t m_plane) {
    const size_t image = row / plan_.tiles_y, ty = row % plan_.tiles_y;
    const size_t ld = leading(channels_), stride = stride_, tiles = plan_.tiles_x;
    if (ty > 0) window_.step();
    float* const* rows = window_.row;
    // Rows 0 and 1 hold what the tiles above left, the others start here.
    for (size_t i = 0; i < 6; ++i) {
      const size_t clear = i >= 2 ? 2 * stride : ty == 0 ? plan_.row_pixels * stride : 0;
      std::memset(rows[i], 0, clear * sizeof(float));
    }
    ForChannels(channels_, [&](auto d, size_t c) HWY_ATTR {
      for (size_t tx = 0; tx < tiles; ++tx) {
        const float* from = m + (first + tx) * ld + c;
        const size_t to = 4 * tx * stride + c;
        TransformB(
            d, [&](int i, int j) HWY_ATTR { return hn::LoadU(d, from + (i * 6 + j) * m_plane); },
            [&](int i, int j, auto w) HWY_ATTR {
              float* at = rows[i] + to + j * stride;
              hn::StoreU(i < 2 || j < 2 ? hn::Add(w, hn::LoadU(d, at)) : w, d, at);
            });
      }
    });
    const size_t done = ty + 1 == plan_.tiles_y ? 5 : 4;
    for (size_t i = 0; i < done; ++i) finish(image, 4 * ty + i, rows[i]);
  }

 private:
  void finish(size_t image, size_t y, const float* from) const {
    const size_t height = size_t(shape_.height), width = size_t(shape_.width);
    if (y < 1 || y > height) return;
    writer_.write((image * height + y - 1) * width, width, from + stride_, stride_);
  }

  const ConvShape& shape_;
  const TilePlan& plan_;
  GradientWriter& writer_;
  size_t channels_, stride_;
  RowWindow<6> window_;
};

void UntransformWeights(const ConvShape& shape, const float* u, float* dweights) {
  const size_t in = size_t(shape.in), out = size_t(shape.out), u_plane = plane(out, in);
  for (size_t o = 0; o < out; ++o) {
    const float* from = u + o * leading(in);
    float* to = dweights + o * 9 * in;
    ForChannels(in, [&](auto d, size_t c) HWY_ATTR {
      TransformGt(
          d, [&](int i, int j) HWY_ATTR { return hn::LoadU(d, from + (i * 6 + j) * u_plane + c); },
          [&](int i, int j, auto w) HWY_ATTR { hn::StoreU(w, d, to + (i * 3 + j) * in + c); });
    });
  }
}

void WinogradBackward(const ConvShape& shape, const float* x, const Activation& act,
                      const float* weights, const Gradient& gradient, float* dweights,
                      const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  const TilePlan plan(shape);
  const size_t in = size_t(shape.in), out = size_t(shape.out);
  const size_t ldi = leading(in), ldo = leading(out);
  const size_t v_plane = plane(plan.tiles, in), g_plane = plane(plan.tiles, out);
  const size_t u_plane = plane(out, in), w_plane = packed_plane(out, in);
  const size_t window = InputRows::floats(shape, plan);
  BufferLayout layout;
  const size_t at_v = layout.add(kPoints * v_plane), at_g = layout.add(kPoints * g_plane);
  const size_t at_u = layout.add(kPoints * u_plane), at_in = layout.add(window);
  const size_t at_grad = layout.add(GradientRows::floats(shape, plan));
  const size_t at_out = layout.add(window), at_sums = layout.add(GradientWriter::floats(in));
  float* memory = workspace.reserve(layout.total());
  float *v = memory + at_v, *g = memory + at_g, *u = memory + at_u;
  InputRows input(shape, plan, x, act, memory + at_in);
  GradientRows gradients(shape, plan, gradient, memory + at_grad);
  GradientWriter writer(x, act, addend, d, sums, memory + at_sums, in);
  CachePrefetch prefetch;
  InputGradientRows output(shape, plan, writer, memory + at_out);

  for (size_t begin = 0; begin < plan.rows; begin += plan.block_rows) {
    const size_t end = std::min(begin + plan.block_rows, plan.rows);
    const size_t tiles = (end - begin) * plan.tiles_x;
    for (size_t r = begin; r < end; ++r) {
      const size_t first = (r - begin) * plan.tiles_x;
      gradients.transform(r, first, g, g_plane);
      if (dweights) input.transform(r, first, v, v_plane);
    }
    const size_t here = plan.first_pixel(shape, begin), next = plan.first_pixel(shape, end);
    const size_t after = plan.first_pixel(shape, end + plan.block_rows);
    prefetch.clear();
    prefetch.read(d ? addend : nullptr, here * in, (next - here) * in);
    prefetch.write(d, here * in, (next - here) * in);
    prefetch.read(gradient.grad, next * out, (after - next) * out);
    prefetch.read(gradient.add, next * out, (after - next) * out);
    prefetch.read(gradient.d, next * out, (after - next) * out);
    prefetch.read(gradient.grad ? nullptr : gradient.x, next * out, (after - next) * out);
    prefetch.read(x, next * in, (after - next) * in);
    for (size_t p = 0; p < kPoints; ++p) {
      prefetch.fetch(p, kPoints);
      const float* gp = g + p * g_plane;
      float* vp = v + p * v_plane;
      if (dweights) {
        Multiply<true>(out, in, tiles, {gp, ldo}, vp, ldi, u + p * u_plane, ldi, begin > 0);
      }
      // The transformed input is used up: the product takes its place.
      if (d) MultiplyPacked(tiles, in, out, {gp, ldo}, weights + p * w_plane, vp, ldi);
    }
    if (d == nullptr) continue;
    for (size_t r = begin; r < end; ++r) {
      output.transform(r, (r - begin) * plan.tiles_x, v, v_plane);
    }
    writer.flush();
  }
  if (dweights) UntransformWeights(shape, u, dweights);
}

// forward [point][in][out], backward [point][out][in], packed (layout.h).
void WinogradPack(const ConvShape& shape, const float* weights, float* forward, float* backward) {
  const size_t in = size_t(shape.in), out = size_t(shape.out);
  const size_t f_plane = packed_plane(in, out), b_plane = packed_plane(out, in);
  for (size_t o = 0; o < out; ++o) {
    const float* from = weights + o * 9 * in;
    ForChannels(in, [&](auto d, size_t c) HWY_ATTR {
      float* to = backward + packed_at(out, in, o, c);
      TransformG(
          d, [&](int i, int j) HWY_ATTR { return hn::LoadU(d, from + (i * 3 + j) * in + c); },
          [&](int i, int j, auto w) HWY_ATTR { hn::StoreU(w, d, to + (i * 6 + j) * b_plane); });
    });
  }
  // Squares of kPanel by kPanel are contiguous in both.
  for (size_t p = 0; p < kPoints; ++p) {
    for (size_t o = 0; o < out; o += kPanel) {
      for (size_t c = 0; c < in; c += kPanel) {
        transpose(backward + p * b_plane + packed_at(out, in, o, c), std::min(kPanel, out - o),
                  std::min(kPanel, in - c), kPanel,
                  forward + p * f_plane + packed_at(in, out, c, o), kPanel);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::kernels {
HWY_EXPORT(WinogradForward);
HWY_EXPORT(WinogradBackward);
HWY_EXPORT(WinogradPack);

void winograd_forward(const ConvShape& shape, const float* x, const Activation& act,
                      const float* weights, const float* addend, float* y, Moments* moments,
                      Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(WinogradForward)
  (shape, x, act, weights, addend, y, moments, workspace);
}

void winograd_backward(const ConvShape& shape, const float* x, const Activation& act,
                       const float* weights, const Gradient& gradient, float* dweights,
                       const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(WinogradBackward)
  (shape, x, act, weights, gradient, dweights, addend, d, sums, workspace);
}

void winograd_pack(const ConvShape& shape, const float* weights, float* forward, float* backward) {
  HWY_DYNAMIC_DISPATCH(WinogradPack)(shape, weights, forward, backward);
}

}  // namespace popaug::kernels
#endif  // HWY_ONCE
