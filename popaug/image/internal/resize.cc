// Resampling with Pillow's arithmetic: a triangle filter, widened when shrinking, rows first, both
// passes rounded to bytes, weights as integers of 22 fractional bits.
#include "popaug/image/internal/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace popaug {
namespace resizing {
namespace {

// The input samples under one output sample.
struct Window {
  double centre;
  int first, last;  // last is one past the end
};

Window window_of(int i, int in, double scale, double support) {
  const double centre = (i + 0.5) * scale;
  return {centre, std::max(0, static_cast<int>(centre - support + 0.5)),
          std::min(in, static_cast<int>(centre + support + 0.5))};
}

double weight_of(const Window& window, int k, double widened) {
  const double distance = std::abs((k - window.centre + 0.5) * (1.0 / widened));
  return distance < 1 ? 1 - distance : 0;
}

}  // namespace

// All windows get the length of the longest. One that would reach over the end begins earlier: what
// it gains weighs nothing.
void fill_axis(int in, int out, ResizeAxis& axis) {
  const double scale = static_cast<double>(in) / out;
  const double widened = std::max(scale, 1.0), support = widened;  // 1 sample either side
  axis.taps = 0;
  for (int i = 0; i < out; ++i) {
    const Window window = window_of(i, in, scale, support);
    axis.taps = std::max(axis.taps, window.last - window.first);
  }
  axis.first.resize(out);
  axis.weights.assign(static_cast<size_t>(out) * axis.taps, 0);
  for (int i = 0; i < out; ++i) {
    const Window window = window_of(i, in, scale, support);
    axis.first[i] = std::min(window.first, in - axis.taps);
    double sum = 0;
    for (int k = window.first; k < window.last; ++k) sum += weight_of(window, k, widened);
    int32_t* weights = &axis.weights[static_cast<size_t>(i) * axis.taps];
    for (int k = window.first; k < window.last; ++k) {
      const double weight = weight_of(window, k, widened);
      const double share = sum != 0 ? weight / sum : weight;
      weights[k - axis.first[i]] = static_cast<int32_t>(0.5 + share * (1 << kFractionBits));
    }
  }
}

}  // namespace resizing

namespace resizing {

bool goes_down_first(const Image& image, int height) {
  constexpr int64_t kTall = 100;
  return image.height() > kTall * image.width() && height < image.height();
}

}  // namespace resizing

namespace plain {
namespace {

// One output pixel: samples `step` bytes apart, from `in`.
void weigh(const uint8_t* in, size_t step, const int32_t* weights, int taps, uint8_t* out) {
  constexpr int32_t kHalf = 1 << (resizing::kFractionBits - 1);
  int32_t sums[4] = {kHalf, kHalf, kHalf, kHalf};
  for (int k = 0; k < taps; ++k, in += step) {
    for (int c = 0; c < 4; ++c) sums[c] += in[c] * weights[k];
  }
  for (int c = 0; c < 4; ++c) {
    out[c] = static_cast<uint8_t>(std::clamp(sums[c] >> resizing::kFractionBits, 0, 255));
  }
}

}  // namespace

Image resize(const Image& image, int width, int height) {
  POPAUG_ASSERT(width > 0 && height > 0 && image.width() > 0 && image.height() > 0);
  if (width != image.width() && resizing::goes_down_first(image, height)) {
    return plain::resize(plain::resize(image, image.width(), height), width, height);
  }
  ResizeAxis axis;
  Image rows = image;
  if (width != image.width()) {
    rows = Image(width, image.height());
    resizing::fill_axis(image.width(), width, axis);
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < width; ++x) {
        weigh(image.pixel(axis.first[x], y), 4, &axis.weights[size_t{1} * x * axis.taps], axis.taps,
              rows.pixel(x, y));
      }
    }
  }
  if (height == image.height()) return rows;
  Image out(width, height);
  resizing::fill_axis(image.height(), height, axis);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      weigh(rows.pixel(x, axis.first[y]), size_t{4} * width,
            &axis.weights[size_t{1} * y * axis.taps], axis.taps, out.pixel(x, y));
    }
  }
  return out;
}

}  // namespace plain

void Resizer::reserve(int width, int height, int out_width, int out_height) {
  const auto reserve_axis = [](ResizeAxis& axis, int in, int out) {
    const auto taps = static_cast<size_t>(2 * std::ceil(std::max(1.0, double{1} * in / out)) + 1);
    axis.first.reserve(out);
    axis.weights.reserve(taps * out);
  };
  reserve_axis(across_, width, out_width);
  reserve_axis(down_, height, out_height);
  rows_.reserve(size_t{4} * out_width * height);
}

void Resizer::run(const uint8_t* pixels, size_t row_bytes, int width, int height, uint8_t* out,
                  int out_width, int out_height) {
  POPAUG_ASSERT(width > 0 && height > 0 && out_width > 0 && out_height > 0);
  const resizing::Kernels& kernels = resizing::kernels();
  const size_t out_row = size_t{4} * out_width;
  const bool all_rows = out_height == height;
  if (out_width != width) {
    resizing::fill_axis(width, out_width, across_);
    if (!all_rows) rows_.resize(out_row * height);
    uint8_t* to = all_rows ? out : rows_.data();
    kernels.across(pixels, row_bytes, height, across_, out_width, to);
    pixels = to;
    row_bytes = out_row;
  } else if (all_rows) {
    for (int y = 0; y < height; ++y) {
      std::memcpy(out + y * out_row, pixels + y * row_bytes, out_row);
    }
  }
  if (all_rows) return;
  resizing::fill_axis(height, out_height, down_);
  kernels.down(pixels, row_bytes, out_width, down_, out_height, out);
}

Image resize(const Image& image, int width, int height) {
  POPAUG_ASSERT(width > 0 && height > 0);
  if (width != image.width() && resizing::goes_down_first(image, height)) {
    return resize(resize(image, image.width(), height), width, height);
  }
  Image out(width, height);
  Resizer().run(image.data(), size_t{4} * image.width(), image.width(), image.height(), out.data(),
                width, height);
  return out;
}

}  // namespace popaug
