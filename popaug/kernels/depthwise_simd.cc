// Depthwise convolutions: every channel is convolved with a kernel of its own, so there is no
// matrix product, and the time is that of memory. All channels of a pixel lie side by side: one
// vector holds the same pixel of 16 channels, and an output is a sum of shifted rows.
//
// Rows are read once into a ring of padded rows (the activation is applied on the way) and are
// written once, with their sums. The backward pass goes down an image once: it reads a row of the
// gradient, adds its products with the rows of act(x) to the gradient of the weights, and writes
// the rows of d that need no later row. At stride 2 the ring holds the rows of the gradient with
// zeros between their pixels, so that d is a convolution of stride 1 as well, with the kernel
// turned by half a turn.
#include <cstring>

#include "popaug/kernels/internal/algorithms.h"
#include "popaug/kernels/internal/layout.h"
#include "popaug/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/kernels/depthwise_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// This follows foreach_target.h.
#include "popaug/kernels/internal/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::kernels {
namespace HWY_NAMESPACE {

inline constexpr size_t kMostTaps = 5;  // in one direction

// A few padded rows of an image, found by their number. Padding is zero and stays so.
class RowRing {
 public:
  // Rows of `pixels` pixels, the first at pixel `left`, `step` pixels apart; memory for `slots`.
  RowRing(size_t slots, size_t pixels, size_t left, size_t step, size_t channels, float* memory)
      : slots_(slots),
        left_(left),
        step_(step),
        channels_(channels),
        row_floats_(pixels * channels) {
    data_ = memory;
    std::memset(data_, 0, slots * row_floats_ * sizeof(float));
  }
  static size_t floats(size_t slots, size_t pixels, size_t channels) {
    return slots * pixels * channels;
  }
  const float* row(size_t y) const { return data_ + y % slots_ * row_floats_; }
  float* first_pixel(size_t y) { return data_ + y % slots_ * row_floats_ + left_ * channels_; }
  size_t pixel_stride() const { return step_ * channels_; }

 private:
  size_t slots_, left_, step_, channels_, row_floats_;
  float* data_;
};

// One vector of channels of kOut outputs that lie side by side: the sum over `rows` rows of kTaps
// taps each. x[r] is the first pixel under the kernel in row r; w[r] has the weights of the taps of
// that row, [kTaps][channels]. The pixels of a row, and its weights, are `channels` floats apart.
template <size_t kTaps, size_t kStride, size_t kOut, class D>
HWY_INLINE void SumOfRows(D d, size_t rows, const float* const* x, const float* const* w, size_t c,
                          size_t channels, float* to) {
  hn::Vec<D> sum[kOut];
  POPAUG_UNROLL
  for (size_t o = 0; o < kOut; ++o) sum[o] = hn::Zero(d);
  for (size_t r = 0; r < rows; ++r) {
    const float* HWY_RESTRICT pixel = x[r] + c;
    const float* HWY_RESTRICT weight = w[r] + c;
    POPAUG_UNROLL
    for (size_t t = 0; t < kTaps; ++t) {
      const auto tap = hn::LoadU(d, weight + t * channels);
      POPAUG_UNROLL
      for (size_t o = 0; o < kOut; ++o) {
        sum[o] = hn::MulAdd(tap, hn::LoadU(d, pixel + (o * kStride + t) * channels), sum[o]);
      }
    }
  }
  POPAUG_UNROLL
  for (size_t o = 0; o < kOut; ++o) hn::StoreU(sum[o], d, to + o * channels + c);
}

// A row of `pixels` outputs.
template <size_t kTaps, size_t kStride>
HWY_NOINLINE void ConvolveRow(size_t rows, const float* const* x, const float* const* w,
                              size_t pixels, size_t channels, float* to) {
  constexpr size_t kOut = 4;
  const float* at[kMostTaps];
  for (size_t i = 0; i < pixels; i += kOut) {
    for (size_t r = 0; r < rows; ++r) at[r] = x[r] + i * kStride * channels;
    float* out = to + i * channels;
    ForChannels(channels, [&](auto d, size_t c) HWY_ATTR {
      switch (pixels - i) {
        case 1:
          return SumOfRows<kTaps, kStride, 1>(d, rows, at, w, c, channels, out);
        case 2:
          return SumOfRows<kTaps, kStride, 2>(d, rows, at, w, c, channels, out);
        case 3:
          return SumOfRows<kTaps, kStride, 3>(d, rows, at, w, c, channels, out);
        default:
          return SumOfRows<kTaps, kStride, kOut>(d, rows, at, w, c, channels, out);
      }
    });
  }
}

using RowConvolution = void (*)(size_t, const float* const*, const float* const*, size_t, size_t,
                                float*);
RowConvolution RowConvolutionOf(int kernel, int stride) {
  if (kernel == 3) return stride == 1 ? ConvolveRow<3, 1> : ConvolveRow<3, 2>;
  return stride == 1 ? ConvolveRow<5, 1> : ConvolveRow<5, 2>;
}

// sums[t] += the products of a row of gradients and the pixels of x under tap t.
template <size_t kTaps>
HWY_NOINLINE void AddRowProducts(const float* grad, size_t grad_stride, const float* x,
                                 size_t x_stride, size_t pixels, size_t channels, float* sums) {
  ForChannels(channels, [&](auto d, size_t c) HWY_ATTR {
    hn::Vec<decltype(d)> sum[kTaps];
    POPAUG_UNROLL
    for (size_t t = 0; t < kTaps; ++t) sum[t] = hn::LoadU(d, sums + t * channels + c);
    const float *g = grad + c, *at = x + c;
    for (size_t i = 0; i < pixels; ++i, g += grad_stride, at += x_stride) {
      const auto gi = hn::LoadU(d, g);
      POPAUG_UNROLL
      for (size_t t = 0; t < kTaps; ++t) {
        sum[t] = hn::MulAdd(gi, hn::LoadU(d, at + t * channels), sum[t]);
      }
    }
    POPAUG_UNROLL
    for (size_t t = 0; t < kTaps; ++t) hn::StoreU(sum[t], d, sums + t * channels + c);
  });
}

struct DepthwisePlan {
  explicit DepthwisePlan(const ConvShape& s)
      : kernel(size_t(s.kernel)),
        stride(size_t(s.stride)),
        top(size_t(s.pad_top())),
        left(size_t(s.pad_left())),
        channels(size_t(s.in)),
        height(size_t(s.height)),
        width(size_t(s.width)),
        out_height(size_t(s.out_height())),
        out_width(size_t(s.out_width())),
        row_pixels(std::max(left + width, (out_width - 1) * stride + kernel)) {}
  size_t kernel, stride, top, left, channels, height, width, out_height, out_width;
  size_t row_pixels;  // of a padded row of the input

  // The rows under the kernel at output row oy that lie within the image: kernel rows
  // [first, last), row u being row oy * stride + u - top of the image.
  void rows_under(size_t oy, size_t* first, size_t* last) const {
    const size_t y = oy * stride;
    *first = y < top ? top - y : 0;
    *last = std::min(kernel, height + top - y);
  }
};

// Reads the rows of act(x) of one image in order, each once.
class ActivatedRows {
 public:
  ActivatedRows(const DepthwisePlan& plan, const float* x, const Activation& act, float* memory)
      : plan_(plan),
        x_(x),
        act_(act),
        ring_(plan.kernel, plan.row_pixels, plan.left, 1, plan.channels, memory) {}
  static size_t floats(const DepthwisePlan& plan) {
    return RowRing::floats(plan.kernel, plan.row_pixels, plan.channels);
  }
  void start(size_t image) {
    image_ = image;
    next_ = 0;
  }
  // Makes rows up to `last` (not included) available.
  HWY_INLINE void read_to(size_t last) {
    for (; next_ < last; ++next_) {
      const size_t pixel = (image_ * plan_.height + next_) * plan_.width;
      ActivateRow(act_, x_ + pixel * plan_.channels, plan_.width, plan_.channels,
                  ring_.first_pixel(next_), plan_.channels);
    }
  }
  const float* row(size_t y) const { return ring_.row(y); }

 private:
  const DepthwisePlan& plan_;
  const float* x_;
  const Activation& act_;
  RowRing ring_;
  size_t image_ = 0, next_ = 0;
};

// Sums are flushed to double after at most this many rows.
inline constexpr size_t kFlushRows = 16;

void DepthwiseForward(const ConvShape& shape, const float* x, const Activation& act,
                      const float* weights, const float* addend, float* y, Moments* moments,
                      Workspace& workspace) {
  const DepthwisePlan plan(shape);
  const size_t channels = plan.channels, kernel = plan.kernel;
  BufferLayout layout;
  const size_t at_rows = layout.add(ActivatedRows::floats(plan));
  const size_t at_out = layout.add(plan.out_width * channels);
  const size_t at_sums = layout.add(BlockSums::floats(channels));
  float* memory = workspace.reserve(layout.total());
  float* out = memory + at_out;
  ActivatedRows input(plan, x, act, memory + at_rows);
  BlockSums sums(memory + at_sums, channels);
  const RowConvolution convolve = RowConvolutionOf(shape.kernel, shape.stride);
  for (size_t image = 0; image < size_t(shape.batch); ++image) {
    input.start(image);
    for (size_t oy = 0; oy < plan.out_height; ++oy) {
      size_t first, last;
      plan.rows_under(oy, &first, &last);
      const size_t top = oy * plan.stride + first - plan.top;
      input.read_to(top + last - first);
      const float *rows[kMostTaps], *taps[kMostTaps];
      for (size_t u = first; u < last; ++u) {
        rows[u - first] = input.row(top + u - first);
        taps[u - first] = weights + u * kernel * channels;
      }
      const size_t at = (image * plan.out_height + oy) * plan.out_width * channels;
      float* to = addend ? out : y + at;
      convolve(last - first, rows, taps, plan.out_width, channels, to);
      if (addend) FinishRow(out, channels, addend + at, plan.out_width, channels, y + at, nullptr);
      if (moments == nullptr) continue;
      sums.add_moments(y + at, plan.out_width);
      if (oy + 1 == plan.out_height || oy % kFlushRows == kFlushRows - 1) sums.flush(moments);
    }
  }
}

// The rows of the gradient of y, read in order, each once; at stride 2 with zeros between pixels.
// Padding is such that d at pixel x is the convolution of stride 1 that starts at pixel x.
class DilatedRows {
 public:
  DilatedRows(const DepthwisePlan& plan, const Gradient& gradient, float* memory)
      : plan_(plan),
        gradient_(gradient),
        ring_(plan.kernel, pixels(plan), plan.kernel - 1 - plan.left, plan.stride, plan.channels,
              memory) {}
  static size_t pixels(const DepthwisePlan& plan) {
    return std::max(plan.width + plan.kernel - 1,
                    plan.kernel - plan.left + (plan.out_width - 1) * plan.stride);
  }
  static size_t floats(const DepthwisePlan& plan) {
    return RowRing::floats(plan.kernel, pixels(plan), plan.channels);
  }
  HWY_INLINE void read(size_t image, size_t oy) {
    GradientRow(gradient_, (image * plan_.out_height + oy) * plan_.out_width, plan_.out_width,
                plan_.channels, ring_.first_pixel(oy), ring_.pixel_stride());
  }
  const float* row(size_t oy) const { return ring_.row(oy); }
  const float* first_pixel(size_t oy) { return ring_.first_pixel(oy); }
  size_t pixel_stride() const { return ring_.pixel_stride(); }

 private:
  const DepthwisePlan& plan_;
  const Gradient& gradient_;
  RowRing ring_;
};

void DepthwiseBackward(const ConvShape& shape, const float* x, const Activation& act,
                       const float* weights, const Gradient& gradient, float* dweights,
                       const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  const DepthwisePlan plan(shape);
  const size_t channels = plan.channels, kernel = plan.kernel, stride = plan.stride;
  const size_t row_taps = kernel * channels;
  BufferLayout layout;
  const size_t at_rows = layout.add(ActivatedRows::floats(plan));
  const size_t at_grad = layout.add(DilatedRows::floats(plan));
  const size_t at_out = layout.add(plan.width * channels);
  const size_t at_w = layout.add(kernel * row_taps);
  const size_t at_turned = layout.add(kernel * row_taps);
  const size_t at_sums = layout.add(GradientWriter::floats(channels));
  float* memory = workspace.reserve(layout.total());
  float *out = memory + at_out, *w = memory + at_w, *turned = memory + at_turned;
  ActivatedRows input(plan, x, act, memory + at_rows);
  DilatedRows grad(plan, gradient, memory + at_grad);
  GradientWriter writer(x, act, addend, d, sums, memory + at_sums, channels);
  const RowConvolution convolve = RowConvolutionOf(shape.kernel, 1);
  for (size_t u = 0; u < kernel; ++u) {
    for (size_t v = 0; v < kernel; ++v) {
      std::memcpy(turned + u * row_taps + v * channels,
                  weights + u * row_taps + (kernel - 1 - v) * channels, channels * sizeof(float));
    }
  }
  std::vector<double> total(dweights != nullptr ? kernel * row_taps : 0);
  for (size_t image = 0; image < size_t(shape.batch); ++image) {
    input.start(image);
    std::memset(w, 0, kernel * row_taps * sizeof(float));
    size_t y = 0;  // the next row of d
    for (size_t oy = 0; oy < plan.out_height; ++oy) {
      grad.read(image, oy);
      if (dweights != nullptr) {
        size_t first, last;
        plan.rows_under(oy, &first, &last);
        const size_t top = oy * stride + first - plan.top;
        input.read_to(top + last - first);
        const auto add = kernel == 3 ? AddRowProducts<3> : AddRowProducts<5>;
        for (size_t u = first; u < last; ++u) {
          add(grad.first_pixel(oy), grad.pixel_stride(), input.row(top + u - first),
              stride * channels, plan.out_width, channels, w + u * row_taps);
        }
      }
      if (d == nullptr) continue;
      // Row y of d needs the gradient's rows up to (y + top) / stride.
      const size_t end =
          oy + 1 == plan.out_height
              ? plan.height
              : std::min(plan.height, (oy + 1) * stride - std::min(plan.top, (oy + 1) * stride));
      for (; y < end; ++y) {
        const float *rows[kMostTaps], *taps[kMostTaps];
        size_t count = 0;
        for (size_t u = 0; u < kernel; ++u) {
          if (y + plan.top < u || (y + plan.top - u) % stride != 0) continue;
          const size_t from = (y + plan.top - u) / stride;
          if (from >= plan.out_height) continue;
          rows[count] = grad.row(from);
          taps[count++] = turned + u * row_taps;
        }
        convolve(count, rows, taps, plan.width, channels, out);
        writer.write((image * plan.height + y) * plan.width, plan.width, out, channels);
        if (y + 1 == plan.height || y % kFlushRows == kFlushRows - 1) writer.flush();
      }
    }
    for (size_t i = 0; i < total.size(); ++i) total[i] += double(w[i]);
  }
  for (size_t i = 0; i < total.size(); ++i) {
    dweights[i % channels * kernel * kernel + i / channels] = float(total[i]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::kernels {
HWY_EXPORT(DepthwiseForward);
HWY_EXPORT(DepthwiseBackward);

void depthwise_forward(const ConvShape& shape, const float* x, const Activation& act,
                       const float* weights, const float* addend, float* y, Moments* moments,
                       Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(DepthwiseForward)
  (shape, x, act, weights, addend, y, moments, workspace);
}

void depthwise_backward(const ConvShape& shape, const float* x, const Activation& act,
                        const float* weights, const Gradient& gradient, float* dweights,
                        const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(DepthwiseBackward)
  (shape, x, act, weights, gradient, dweights, addend, d, sums, workspace);
}

}  // namespace popaug::kernels
#endif  // HWY_ONCE
