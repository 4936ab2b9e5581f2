// Resampling with Pillow's arithmetic: a triangle filter, widened when shrinking, rows first, both
// passes rounded to bytes, weights as integers of 22 fractional bits.
#include <algorithm>
#include <cmath>

#include "popaug/image/image.h"

namespace popaug {
namespace {

constexpr int kFractionBits = 22;  // 32, less 8 for the sample and 2 for sums above one

// The weights of the input samples under one output sample.
struct Window {
  int first = 0;
  std::vector<int32_t> weights;
};

std::vector<Window> windows(int in, int out) {
  const double scale = static_cast<double>(in) / out;
  const double widened = std::max(scale, 1.0);
  const double support = widened;  // of the triangle filter, 1 sample either side
  std::vector<Window> all(out);
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(centre - support + 0.5));
    const int last = std::min(in, static_cast<int>(centre + support + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (int k = first; k < last; ++k) {
      const double distance = std::abs((k - centre + 0.5) * (1.0 / widened));
      weights.push_back(distance < 1 ? 1 - distance : 0);
      sum += weights.back();
    }
    all[i].first = first;
    for (const double w : weights) {
      const double share = sum != 0 ? w / sum : w;
      all[i].weights.push_back(static_cast<int32_t>(0.5 + share * (1 << kFractionBits)));
    }
  }
  return all;
}

// One output pixel: samples `step` bytes apart, from `in`.
void weigh(const uint8_t* in, size_t step, const std::vector<int32_t>& weights, uint8_t* out) {
  constexpr int32_t kHalf = 1 << (kFractionBits - 1);
  int32_t sums[4] = {kHalf, kHalf, kHalf, kHalf};
  for (const int32_t weight : weights) {
    for (int c = 0; c < 4; ++c) sums[c] += in[c] * weight;
    in += step;
  }
  for (int c = 0; c < 4; ++c) {
    out[c] = static_cast<uint8_t>(std::clamp(sums[c] >> kFractionBits, 0, 255));
  }
}

}  // namespace

Image resize(const Image& image, int width, int height) {
  POPAUG_ASSERT(width > 0 && height > 0 && image.width() > 0 && image.height() > 0);
  Image rows = image;
  if (width != image.width()) {
    rows = Image(width, image.height());
    const std::vector<Window> all = windows(image.width(), width);
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < width; ++x) {
        weigh(image.pixel(all[x].first, y), 4, all[x].weights, rows.pixel(x, y));
      }
    }
  }
  if (height == image.height()) return rows;
  Image out(width, height);
  const std::vector<Window> all = windows(image.height(), height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      weigh(rows.pixel(x, all[y].first), size_t{4} * width, all[y].weights, out.pixel(x, y));
    }
  }
  return out;
}

}  // namespace popaug
