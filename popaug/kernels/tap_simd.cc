// 3x3 convolutions of stride 1 of images of two or three pixels a side. There, half of the products
// of a window are with padding, and Winograd's tiles are nearly empty while its weights are four
// times as many. So each of the nine weights is applied where it meets a pixel, and nowhere else:
// 49 of 81 products of 3x3 pixels, 16 of 36 of 2x2.
//
// The images lie side by side, [y][x][image][channel]: the pixels that one weight meets in a row of
// all images are then one matrix, and so are the outputs that they count for.
#include <cstring>

#include "popaug/kernels/internal/algorithms.h"
#include "popaug/kernels/internal/layout.h"
#include "popaug/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/kernels/tap_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// These follow foreach_target.h.
#include "popaug/kernels/internal/gemm-inl.h"
#include "popaug/kernels/internal/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::kernels {
namespace HWY_NAMESPACE {

inline constexpr size_t kTaps = 9;
// Sums are flushed to double after this many images.
inline constexpr size_t kFlushImages = 64;

struct TapPlan {
  explicit TapPlan(const ConvShape& s)
      : height(size_t(s.height)),
        width(size_t(s.width)),
        batch(size_t(s.batch)),
        in(size_t(s.in)),
        out(size_t(s.out)),
        pixels(height * width),
        ldi(leading(in)),
        ldo(leading(out)) {
    // The pixels of a group of images stay in the second-level cache.
    constexpr size_t kCacheFloats = 384 << 10;
    group = std::min(batch, std::max<size_t>(kCacheFloats / (pixels * (in + out)), 32));
  }
  size_t height, width, batch, in, out, pixels, ldi, ldo, group;
};

// A row of outputs and the row of inputs under one tap: pixels of all images of a group.
struct TapRow {
  size_t output, input, count;  // pixels, counted from the first of the first image
};

// Calls work(TapRow) for each row of outputs that a tap counts for.
template <class Work>
HWY_INLINE void ForRows(const TapPlan& plan, size_t tap, const Work& work) {
  const size_t u = tap / 3, v = tap % 3;
  for (size_t y = u == 0; y + (u == 2) < plan.height; ++y) {
    const size_t output = y * plan.width + (v == 0), input = (y + u - 1) * plan.width + (v == 2);
    work(TapRow{output, input, plan.width - (v != 1)});
  }
}

// One group of images, [y][x][image][channel].
class SideBySide {
 public:
  SideBySide(const TapPlan& plan, size_t ld, float* memory) : plan_(plan), ld_(ld), data_(memory) {}
  void start(size_t images) { images_ = images; }
  size_t floats() const { return plan_.pixels * images_ * ld_; }
  void clear() { std::memset(data_, 0, floats() * sizeof(float)); }
  // Pixel p of image n of the group.
  float* at(size_t p, size_t n) const { return data_ + (p * images_ + n) * ld_; }
  float* at(size_t p) const { return at(p, 0); }
  size_t stride() const { return ld_; }

 private:
  const TapPlan& plan_;
  size_t ld_, images_ = 0;
  float* data_;
};

// sums[to] += rows[from] * w of every tap, where from and to are the inputs and outputs of the tap,
// or with kBack its outputs and inputs. w is [tap][depth][columns], packed.
template <bool kBack>
HWY_INLINE void AddTaps(const TapPlan& plan, size_t images, const SideBySide& rows,
                        const float* weights, size_t depth, size_t columns, SideBySide& sums) {
  for (size_t tap = 0; tap < kTaps; ++tap) {
    const float* panel = weights + tap * packed_floats(depth, columns);
    for (size_t k = 0; k < depth; k += kDepthBlock) {
      const size_t part = std::min(kDepthBlock, depth - k);
      for (size_t n = 0; n < columns; n += kPanel, panel += part * kPanel) {
        ForRows(plan, tap, [&](const TapRow& row) HWY_ATTR {
          const float* from = rows.at(kBack ? row.output : row.input) + k;
          float* to = sums.at(kBack ? row.input : row.output) + n;
          Multiply<false>(row.count * images, std::min(kPanel, columns - n), part,
                          {from, rows.stride()}, panel, kPanel, to, sums.stride(), true);
        });
      }
    }
  }
}

HWY_INLINE void ReadGroup(const TapPlan& plan, const float* x, const Activation& act, size_t first,
                          size_t images, SideBySide& to) {
  for (size_t n = 0; n < images; ++n) {
    ActivateRow(act, x + (first + n) * plan.pixels * plan.in, plan.pixels, plan.in, to.at(0, n),
                images * plan.ldi);
  }
}

void TapForward(const ConvShape& shape, const float* x, const Activation& act, const float* weights,
                const float* addend, float* y, Moments* moments, Workspace& workspace) {
  const TapPlan plan(shape);
  BufferLayout layout;
  const size_t at_in = layout.add(plan.pixels * plan.group * plan.ldi);
  const size_t at_out = layout.add(plan.pixels * plan.group * plan.ldo);
  const size_t at_sums = layout.add(BlockSums::floats(plan.out));
  float* memory = workspace.reserve(layout.total());
  SideBySide input(plan, plan.ldi, memory + at_in), output(plan, plan.ldo, memory + at_out);
  BlockSums sums(memory + at_sums, plan.out);
  for (size_t first = 0; first < plan.batch; first += plan.group) {
    const size_t images = std::min(plan.group, plan.batch - first);
    input.start(images);
    output.start(images);
    ReadGroup(plan, x, act, first, images, input);
    output.clear();
    AddTaps<false>(plan, images, input, weights, plan.in, plan.out, output);
    for (size_t n = 0; n < images; ++n) {
      const size_t at = (first + n) * plan.pixels * plan.out;
      FinishRow(output.at(0, n), images * plan.ldo, addend ? addend + at : nullptr, plan.pixels,
                plan.out, y + at, moments ? &sums : nullptr);
      const bool last = n + 1 == images;
      if (moments && (last || n % kFlushImages == kFlushImages - 1)) sums.flush(moments);
    }
  }
}

void TapBackward(const ConvShape& shape, const float* x, const Activation& act,
                 const float* weights, const Gradient& gradient, float* dweights,
                 const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  const TapPlan plan(shape);
  const size_t w_plane = plan.out * plan.ldi;
  BufferLayout layout;
  const size_t at_in = layout.add(plan.pixels * plan.group * plan.ldi);
  const size_t at_grad = layout.add(plan.pixels * plan.group * plan.ldo);
  const size_t at_w = layout.add(kTaps * w_plane);
  const size_t at_sums = layout.add(GradientWriter::floats(plan.in));
  float* memory = workspace.reserve(layout.total());
  float* w = memory + at_w;
  SideBySide input(plan, plan.ldi, memory + at_in), grad(plan, plan.ldo, memory + at_grad);
  GradientWriter writer(x, act, addend, d, sums, memory + at_sums, plan.in);
  for (size_t first = 0; first < plan.batch; first += plan.group) {
    const size_t images = std::min(plan.group, plan.batch - first);
    input.start(images);
    grad.start(images);
    for (size_t n = 0; n < images; ++n) {
      GradientRow(gradient, (first + n) * plan.pixels, plan.pixels, plan.out, grad.at(0, n),
                  images * plan.ldo);
    }
    if (dweights != nullptr) {
      ReadGroup(plan, x, act, first, images, input);
      for (size_t tap = 0; tap < kTaps; ++tap) {
        for (size_t c = 0; c < plan.in; c += kPanel) {
          bool more = first > 0;
          ForRows(plan, tap, [&](const TapRow& row) HWY_ATTR {
            Multiply<true>(plan.out, std::min(kPanel, plan.in - c), row.count * images,
                           {grad.at(row.output), plan.ldo}, input.at(row.input) + c, plan.ldi,
                           w + tap * w_plane + c, plan.ldi, more);
            more = true;
          });
          if (!more) {  // no pixel lies under this tap
            for (size_t o = 0; o < plan.out; ++o) {
              std::memset(w + tap * w_plane + o * plan.ldi + c, 0,
                          std::min(kPanel, plan.in - c) * sizeof(float));
            }
          }
        }
      }
    }
    if (d == nullptr) continue;
    input.clear();  // its place is taken by the gradient
    AddTaps<true>(plan, images, grad, weights, plan.out, plan.in, input);
    for (size_t n = 0; n < images; ++n) {
      writer.write((first + n) * plan.pixels, plan.pixels, input.at(0, n), images * plan.ldi);
      if (n + 1 == images || n % kFlushImages == kFlushImages - 1) writer.flush();
    }
  }
  for (size_t tap = 0; dweights != nullptr && tap < kTaps; ++tap) {
    for (size_t o = 0; o < plan.out; ++o) {
      std::memcpy(dweights + (o * kTaps + tap) * plan.in, w + tap * w_plane + o * plan.ldi,
                  plan.in * sizeof(float));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::kernels {
HWY_EXPORT(TapForward);
HWY_EXPORT(TapBackward);

void tap_forward(const ConvShape& shape, const float* x, const Activation& act,
                 const float* weights, const float* addend, float* y, Moments* moments,
                 Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(TapForward)(shape, x, act, weights, addend, y, moments, workspace);
}

void tap_backward(const ConvShape& shape, const float* x, const Activation& act,
                  const float* weights, const Gradient& gradient, float* dweights,
                  const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(TapBackward)
  (shape, x, act, weights, gradient, dweights, addend, d, sums, workspace);
}

}  // namespace popaug::kernels
#endif  // HWY_ONCE
