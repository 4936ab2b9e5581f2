// The max pooling of ResNet: the greatest of 3x3 pixels, every second pixel, padded by one.
#include <cstring>

#include "popaug/kernels/internal/layout.h"
#include "popaug/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/kernels/max_pool_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// This follows foreach_target.h.
#include "popaug/kernels/internal/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::kernels {
namespace HWY_NAMESPACE {

// The pixels of a window along one side that lie within the image.
struct Span {
  Span(size_t o, size_t side) : first(o == 0 ? 0 : 2 * o - 1), last(std::min(2 * o + 2, side)) {}
  size_t first, last;
};

// Three rows of act(x), found by their number, each read once; x itself without an activation.
class PooledRows {
 public:
  PooledRows(const float* x, const Activation& act, size_t height, size_t row_pixels,
             size_t channels, float* memory)
      : x_(x),
        act_(act),
        height_(height),
        pixels_(row_pixels),
        channels_(channels),
        memory_(memory) {}
  void start(size_t image) {
    image_ = image;
    next_ = 0;
  }
  HWY_INLINE void read_to(size_t last) {
    for (; act_ && next_ < last; ++next_) {
      ActivateRow(act_, source(next_), pixels_, channels_, slot(next_), channels_);
    }
  }
  const float* row(size_t y) const { return act_ ? slot(y) : source(y); }

 private:
  float* slot(size_t y) const { return memory_ + y % 3 * pixels_ * channels_; }
  const float* source(size_t y) const { return x_ + (image_ * height_ + y) * pixels_ * channels_; }
  const float* x_;
  const Activation& act_;
  size_t height_, pixels_, channels_, image_ = 0, next_ = 0;
  float* memory_;
};

void MaxPoolForward(const float* x, int batch, int height, int width, int channels,
                    const Activation& act, float* y, Workspace& workspace) {
  const size_t all = size_t(channels), h = size_t(height), w = size_t(width);
  const size_t oh = (h + 1) / 2, ow = (w + 1) / 2;
  PooledRows input(x, act, h, w, all, workspace.reserve(3 * w * all));
  for (size_t image = 0; image < size_t(batch); ++image) {
    input.start(image);
    for (size_t oy = 0; oy < oh; ++oy) {
      const Span rows(oy, h);
      input.read_to(rows.last);
      for (size_t ox = 0; ox < ow; ++ox, y += all) {
        const Span columns(ox, w);
        ForChannels(all, [&](auto d, size_t c) HWY_ATTR {
          auto most = hn::LoadU(d, input.row(rows.first) + columns.first * all + c);
          for (size_t iy = rows.first; iy < rows.last; ++iy) {
            const float* row = input.row(iy) + c;
            for (size_t ix = columns.first; ix < columns.last; ++ix) {
              const auto v = hn::LoadU(d, row + ix * all);
              // Keeps a NaN, and takes one.
              most = hn::IfThenElse(hn::Or(hn::Le(v, most), hn::IsNaN(most)), most, v);
            }
          }
          hn::StoreU(most, d, y + c);
        });
      }
    }
  }
}

void MaxPoolBackward(const float* x, const float* y, const float* grad, int batch, int height,
                     int width, int channels, const Activation& act, float* to, GradientSums* sums,
                     Workspace& workspace) {
  const size_t all = size_t(channels), h = size_t(height), w = size_t(width);
  const size_t oh = (h + 1) / 2, ow = (w + 1) / 2, row_floats = w * all;
  BufferLayout layout;
  const size_t at_rows = layout.add(3 * row_floats), at_grad = layout.add(3 * row_floats);
  const size_t at_sums = layout.add(GradientWriter::floats(all));
  float* memory = workspace.reserve(layout.total());
  PooledRows input(x, act, h, w, all, memory + at_rows);
  GradientWriter writer(x, act, nullptr, to, sums, memory + at_sums, all);
  // The gradients of three rows; those of the last row of a window are also those of the next.
  const auto sum_row = [&](size_t iy) { return memory + at_grad + iy % 3 * row_floats; };
  for (size_t image = 0; image < size_t(batch); ++image) {
    input.start(image);
    size_t cleared = 0, stored = 0;
    for (size_t oy = 0; oy < oh; ++oy) {
      const Span rows(oy, h);
      input.read_to(rows.last);
      for (; cleared < rows.last; ++cleared) {
        std::memset(sum_row(cleared), 0, row_floats * sizeof(float));
      }
      for (size_t ox = 0; ox < ow; ++ox, y += all, grad += all) {
        const Span columns(ox, w);
        ForChannels(all, [&](auto d, size_t c) HWY_ATTR {
          const auto most = hn::LoadU(d, y + c);
          auto left = hn::LoadU(d, grad + c);  // 0 once a pixel has got it
          for (size_t iy = rows.first; iy < rows.last; ++iy) {
            const float* row = input.row(iy) + c;
            float* sum = sum_row(iy) + c;
            for (size_t ix = columns.first; ix < columns.last; ++ix) {
              // True of NaN too.
              const auto is_less = hn::Lt(hn::LoadU(d, row + ix * all), most);
              const auto given = hn::IfThenZeroElse(is_less, left);
              hn::StoreU(hn::Add(hn::LoadU(d, sum + ix * all), given), d, sum + ix * all);
              left = hn::IfThenElseZero(is_less, left);
            }
          }
        });
      }
      for (const size_t end = oy + 1 == oh ? h : rows.last - 1; stored < end; ++stored) {
        writer.write((image * h + stored) * w, w, sum_row(stored), all);
      }
    }
    writer.flush();
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::kernels {
HWY_EXPORT(MaxPoolForward);
HWY_EXPORT(MaxPoolBackward);

void max_pool_forward(const float* x, int batch, int height, int width, int channels,
                      const Activation& act, float* y, Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(MaxPoolForward)(x, batch, height, width, channels, act, y, workspace);
}
void max_pool_backward(const float* x, const float* y, const float* grad, int batch, int height,
                       int width, int channels, const Activation& act, float* d, GradientSums* sums,
                       Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(MaxPoolBackward)
  (x, y, grad, batch, height, width, channels, act, d, sums, workspace);
}

}  // namespace popaug::kernels
#endif  // HWY_ONCE
