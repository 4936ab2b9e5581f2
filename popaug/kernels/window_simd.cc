// Convolutions of any kernel and stride as products of matrices: the row of the left factor for an
// output pixel is the window of act(x) under the kernel, kernel * kernel * in floats long, and the
// right factor is the weights. A product of long matrices runs at the speed of the multipliers, so
// the windows of many pixels are gathered, beyond rows and images; for kernel 1 and stride 1 the
// pixels themselves are the matrix. Gathering costs a copy of each window, which is little beside
// its `out` products per number.
#include <cstring>

#include "popaug/kernels/internal/algorithms.h"
#include "popaug/kernels/internal/layout.h"
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

// Sums are flushed to double after about this many pixels.
inline constexpr size_t kFlushPixels = 512;

// What both directions need to know of a shape.
struct WindowPlan {
  WindowPlan(const ConvShape& s, bool training)
      : kernel(size_t(s.kernel)),
        stride(size_t(s.stride)),
        top(size_t(s.pad_top())),
        left(size_t(s.pad_left())),
        in(size_t(s.in)),
        out(size_t(s.out)),
        height(size_t(s.height)),
        width(size_t(s.width)),
        out_height(size_t(s.out_height())),
        out_width(size_t(s.out_width())),
        image_pixels(out_height * out_width),
        pixels(s.out_pixels()),
        segment(kernel * in),
        window(kernel * segment),
        direct(kernel == 1 && stride == 1),
        // Whole vectors are copied, which may write beyond the end of a window.
        ld(leading(window + kLine)),
        row_floats(whole_lines(std::max(left + width, (out_width - 1) * stride + kernel) * in) +
                   kLine) {
    // A block of pixels stays in the second-level cache, and is large enough that reading the
    // weights, and in training their gradient, once for each block costs little.
    constexpr size_t kCacheFloats = 96 << 10;
    const size_t least = training && window * out >= (256 << 10) ? 288 : 96;
    const size_t most = std::clamp<size_t>(kCacheFloats / (window + out), least, 384);
    const size_t blocks = (pixels + most - 1) / most;
    block = (pixels + blocks - 1) / blocks;
    images = std::max<size_t>(1, block / image_pixels);
  }
  size_t kernel, stride, top, left, in, out, height, width, out_height, out_width;
  size_t image_pixels, pixels, segment, window;
  bool direct;
  size_t ld, row_floats;
  size_t block;   // pixels of a product
  size_t images;  // whose gradients are collected at the same time
};

// to[0 .. floats) = from, in whole vectors.
HWY_INLINE void CopyVectors(const float* from, size_t floats, float* to) {
  const hn::ScalableTag<float> d;
  for (size_t i = 0; i < floats; i += hn::Lanes(d)) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
}

// Calls work(image, oy, ox, first, count) for the parts of rows that pixels [begin, end) consist
// of; `first` counts from `begin`.
template <class Work>
HWY_INLINE void ForParts(const WindowPlan& plan, size_t begin, size_t end, const Work& work) {
  for (size_t p = begin; p < end;) {
    const size_t row = p / plan.out_width, ox = p % plan.out_width;
    const size_t count = std::min(plan.out_width - ox, end - p);
    work(row / plan.out_height, row % plan.out_height, ox, p - begin, count);
    p += count;
  }
}

// Gathers the windows of pixels, which are asked for in order.
class Windows {
 public:
  Windows(const WindowPlan& plan, const float* x, const Activation& act, float* memory)
      : plan_(plan), x_(x), act_(act), matrix_(memory), rows_(memory + plan.block * plan.ld) {
    if (!plan.direct) std::memset(rows_, 0, plan.kernel * plan.row_floats * sizeof(float));
    for (size_t& number : numbers_) number = kNone;
  }
  static size_t floats(const WindowPlan& plan) {
    return plan.block * plan.ld + plan.kernel * plan.row_floats;
  }

  // The windows of the pixels [begin, end). `whole` vectors can be read of each.
  HWY_INLINE MatrixA gather(size_t begin, size_t end, bool whole) {
    if (plan_.direct) {
      const float* from = x_ + begin * plan_.in;
      if (!act_ && (!whole || plan_.in % kLine == 0)) return {from, plan_.in};
      ActivateRow(act_, from, end - begin, plan_.in, matrix_, plan_.ld);
      return {matrix_, plan_.ld};
    }
    const size_t step = plan_.stride * plan_.in;
    ForParts(plan_, begin, end,
             [&](size_t image, size_t oy, size_t ox, size_t first, size_t count) HWY_ATTR {
               for (size_t u = 0; u < plan_.kernel; ++u) {
                 const float* from = row(image, oy * plan_.stride + u) + ox * step;
                 float* to = matrix_ + first * plan_.ld + u * plan_.segment;
                 for (size_t i = 0; i < count; ++i) {
                   CopyVectors(from + i * step, plan_.segment, to + i * plan_.ld);
                 }
               }
             });
    return {matrix_, plan_.ld};
  }

 private:
  static constexpr size_t kNone = size_t(-1);

  // Row y - top of an image as act(x), padded; zeros outside of the image.
  HWY_INLINE const float* row(size_t image, size_t y) {
    const size_t slot = y % plan_.kernel, number = image * (plan_.height + 2 * plan_.kernel) + y;
    float* to = rows_ + slot * plan_.row_floats;
    if (numbers_[slot] == number) return to;
    numbers_[slot] = number;
    float* first = to + plan_.left * plan_.in;
    if (y < plan_.top || y >= plan_.top + plan_.height) {
      std::memset(first, 0, plan_.width * plan_.in * sizeof(float));
    } else {
      const size_t pixel = (image * plan_.height + y - plan_.top) * plan_.width;
      ActivateRow(act_, x_ + pixel * plan_.in, plan_.width, plan_.in, first, plan_.in);
    }
    return to;
  }

  const WindowPlan& plan_;
  const float* x_;
  const Activation& act_;
  float *matrix_, *rows_;
  size_t numbers_[7];  // of the rows in the slots
};

void WindowForward(const ConvShape& shape, const float* x, const Activation& act,
                   const float* weights, const float* addend, float* y, Moments* moments,
                   Workspace& workspace) {
  const WindowPlan plan(shape, false);
  const size_t ldo = leading(plan.out);
  BufferLayout layout;
  const size_t at_windows = layout.add(Windows::floats(plan));
  const size_t at_out = layout.add(plan.block * ldo);
  const size_t at_sums = layout.add(BlockSums::floats(plan.out));
  float* memory = workspace.reserve(layout.total());
  float* out = memory + at_out;
  Windows windows(plan, x, act, memory + at_windows);
  BlockSums sums(memory + at_sums, plan.out);
  size_t summed = 0;
  for (size_t begin = 0; begin < plan.pixels; begin += plan.block) {
    const size_t end = std::min(begin + plan.block, plan.pixels), at = begin * plan.out;
    MultiplyPacked(end - begin, plan.out, plan.window, windows.gather(begin, end, false), weights,
                   out, ldo);
    FinishRow(out, ldo, addend ? addend + at : nullptr, end - begin, plan.out, y + at,
              moments ? &sums : nullptr);
    summed += end - begin;
    if (moments && (summed >= kFlushPixels || end == plan.pixels)) {
      sums.flush(moments);
      summed = 0;
    }
  }
}

// Adds the gradients of windows to those of a few padded images, and stores them.
class WindowGradients {
 public:
  WindowGradients(const WindowPlan& plan, GradientWriter& writer, float* memory)
      : plan_(plan), writer_(writer), images_(memory) {}
  static size_t rows(const WindowPlan& plan) {
    return std::max(plan.top + plan.height, (plan.out_height - 1) * plan.stride + plan.kernel);
  }
  static size_t floats(const WindowPlan& plan) {
    return plan.direct ? 0 : plan.images * rows(plan) * plan.row_floats;
  }
  void clear() {
    std::memset(images_, 0, plan_.images * rows(plan_) * plan_.row_floats * sizeof(float));
  }
  HWY_INLINE void add(size_t begin, size_t end, const float* windows, size_t ld) {
    ForParts(plan_, begin, end,
             [&](size_t image, size_t oy, size_t ox, size_t first, size_t count) HWY_ATTR {
               for (size_t u = 0; u < plan_.kernel; ++u) {
                 const float* from = windows + first * ld + u * plan_.segment;
                 float* to = row(image, oy * plan_.stride + u) + ox * plan_.stride * plan_.in;
                 for (size_t i = 0; i < count; ++i) {
                   add_segment(from + i * ld, to + i * plan_.stride * plan_.in);
                 }
               }
             });
  }
  // Stores the rows of the images [begin, end).
  HWY_INLINE void store(size_t begin, size_t end) {
    size_t summed = 0;
    for (size_t image = begin; image < end; ++image) {
      for (size_t y = 0; y < plan_.height; ++y) {
        const float* from = row(image, y + plan_.top) + plan_.left * plan_.in;
        writer_.write((image * plan_.height + y) * plan_.width, plan_.width, from, plan_.in);
        summed += plan_.width;
        if (summed < kFlushPixels) continue;
        writer_.flush();
        summed = 0;
      }
    }
    writer_.flush();
  }

 private:
  float* row(size_t image, size_t y) const {
    return images_ + (image % plan_.images * rows(plan_) + y) * plan_.row_floats;
  }
  HWY_INLINE void add_segment(const float* from, float* to) const {
    ForChannels(plan_.segment, [&](auto d, size_t c) HWY_ATTR {
      hn::StoreU(hn::Add(hn::LoadU(d, to + c), hn::LoadU(d, from + c)), d, to + c);
    });
  }

  const WindowPlan& plan_;
  GradientWriter& writer_;
  float* images_;
};

void WindowBackward(const ConvShape& shape, const float* x, const Activation& act,
                    const float* weights, const Gradient& gradient, float* dweights,
                    const float* addend, float* d, GradientSums* sums, Workspace& workspace) {
  const WindowPlan plan(shape, true);
  const size_t ldw = leading(plan.window), stride = whole_lines(plan.out);
  BufferLayout layout;
  const size_t at_windows = layout.add(Windows::floats(plan));
  const size_t at_grad = layout.add(plan.block * stride);
  const size_t at_w = layout.add(plan.out * ldw), at_d = layout.add(plan.block * ldw);
  const size_t at_images = layout.add(WindowGradients::floats(plan));
  const size_t at_sums = layout.add(GradientWriter::floats(plan.in));
  float* memory = workspace.reserve(layout.total());
  float *w = memory + at_w, *products = memory + at_d;
  Windows windows(plan, x, act, memory + at_windows);
  GradientWriter writer(x, act, addend, d, sums, memory + at_sums, plan.in);
  WindowGradients images(plan, writer, memory + at_images);

  const auto block = [&](size_t begin, size_t end) HWY_ATTR {
    MatrixA grad{gradient.grad + begin * plan.out, plan.out};
    if (gradient.grad == nullptr) {
      grad = {memory + at_grad, stride};
      GradientRow(gradient, begin, end - begin, plan.out, memory + at_grad, stride);
    }
    if (dweights != nullptr) {
      const MatrixA rows = windows.gather(begin, end, true);
      Multiply<true>(plan.out, plan.window, end - begin, grad, rows.data, rows.stride, w, ldw,
                     begin > 0);
    }
    if (d == nullptr) return;
    MultiplyPacked(end - begin, plan.window, plan.out, grad, weights, products, ldw);
    if (plan.direct) {
      writer.write(begin, end - begin, products, ldw);
      writer.flush();
    } else {
      images.add(begin, end, products, ldw);
    }
  };
  // Images whose gradients are collected together do not share a block with others.
  const size_t group = plan.direct ? plan.pixels : plan.images * plan.image_pixels;
  for (size_t first = 0; first < plan.pixels; first += group) {
    const size_t last = std::min(first + group, plan.pixels);
    if (d != nullptr && !plan.direct) images.clear();
    for (size_t begin = first; begin < last; begin += plan.block) {
      block(begin, std::min(begin + plan.block, last));
    }
    if (d != nullptr && !plan.direct) {
      images.store(first / plan.image_pixels, last / plan.image_pixels);
    }
  }
  for (size_t o = 0; dweights != nullptr && o < plan.out; ++o) {
    std::memcpy(dweights + o * plan.window, w + o * ldw, plan.window * sizeof(float));
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
