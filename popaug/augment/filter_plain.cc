// Filters and the resampled crop. Alpha takes part as Pillow lets it: filtered like a colour by
// SMOOTH and BLUR, premultiplied around a resize. A pixel is a hole only while its alpha is 0.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "popaug/augment/ops_plain.h"

namespace popaug::plain {
namespace {

// The weighted sum over a square of side 2 * reach + 1 around every pixel that has all neighbours;
// the border is copied, as Pillow does. Sums are small integers, so Pillow's float32 arithmetic
// followed by + 0.5 and truncation is rounding of the exact quotient: sum / divisor never lies
// nearer to a half than float32 resolves (13 is odd; 16 is a power of two).
void filter(Image& image, int reach, const int* weights, int divisor) {
  const Image source = image;
  const int side = 2 * reach + 1;
  for (int y = reach; y < image.height() - reach; ++y) {
    for (int x = reach; x < image.width() - reach; ++x) {
      for (int c = 0; c < 4; ++c) {
        int sum = 0;
        for (int j = 0; j < side; ++j) {
          for (int i = 0; i < side; ++i) {
            sum += weights[j * side + i] * source.pixel(x + i - reach, y + j - reach)[c];
          }
        }
        image.pixel(x, y)[c] = static_cast<uint8_t>((2 * sum + divisor) / (2 * divisor));
      }
    }
  }
}

// Bilinear resampling of one line of `from` positions onto `to`, as Pillow's Resample.c: triangle
// filter, weights normalised in double, then rounded to fixed point with 22 bits.
struct Taps {
  int first = 0;
  std::vector<int32_t> weights;
};
constexpr int kPrecision = 22;

std::vector<Taps> bilinear_taps(int from, int to) {
  const double scale = static_cast<double>(from) / to;
  const double filter_scale = std::max(scale, 1.0);
  const double support = filter_scale;
  std::vector<Taps> all(to);
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * scale;
    const double inverse = 1.0 / filter_scale;
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int end = std::min(static_cast<int>(centre + support + 0.5), from);
    std::vector<double> weights(end - first);
    double total = 0;
    for (int x = first; x < end; ++x) {
      const double distance = std::fabs((x - centre + 0.5) * inverse);
      weights[x - first] = distance < 1.0 ? 1.0 - distance : 0.0;
      total += weights[x - first];
    }
    all[i].first = first;
    for (const double weight : weights) {
      const double normalised = total != 0.0 ? weight / total : weight;
      all[i].weights.push_back(static_cast<int32_t>(0.5 + normalised * (1 << kPrecision)));
    }
  }
  return all;
}

uint8_t weighted(const Taps& taps, const uint8_t* line, size_t step) {
  int32_t sum = 1 << (kPrecision - 1);
  for (size_t k = 0; k < taps.weights.size(); ++k) {
    sum += line[(taps.first + k) * step] * taps.weights[k];
  }
  return static_cast<uint8_t>(std::clamp(sum >> kPrecision, 0, 255));
}

Image resize_bilinear(const Image& source, int width, int height) {
  Image across(width, source.height());
  const auto horizontal = bilinear_taps(source.width(), width);
  for (int y = 0; y < source.height(); ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 4; ++c) {
        across.pixel(x, y)[c] = weighted(horizontal[x], source.pixel(0, y) + c, 4);
      }
    }
  }
  Image result(width, height);
  const auto vertical = bilinear_taps(source.height(), height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 4; ++c) {
        result.pixel(x, y)[c] = weighted(vertical[y], across.pixel(x, 0) + c, size_t{4} * width);
      }
    }
  }
  return result;
}

void premultiply(Image& image) {
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    uint8_t* pixel = image.data() + i;
    for (int c = 0; c < 3; ++c) {
      const uint32_t product = uint32_t{pixel[c]} * pixel[3] + 128;
      pixel[c] = static_cast<uint8_t>(((product >> 8) + product) >> 8);
    }
  }
}

void unpremultiply(Image& image) {
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    uint8_t* pixel = image.data() + i;
    if (pixel[3] == 0 || pixel[3] == 255) continue;
    for (int c = 0; c < 3; ++c) {
      pixel[c] = static_cast<uint8_t>(std::min(255 * int{pixel[c]} / int{pixel[3]}, 255));
    }
  }
}

}  // namespace

void smooth(Image& image, double, OpContext&) {
  static constexpr int kWeights[] = {1, 1, 1, 1, 5, 1, 1, 1, 1};
  filter(image, 1, kWeights, 13);
}

void blur(Image& image, double, OpContext&) {
  static constexpr int kWeights[] = {1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0,
                                     0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1};
  filter(image, 2, kWeights, 16);
}

void crop_bilinear(Image& image, double pixels, OpContext&) {
  // At least one pixel stays; Pillow would refuse to crop further.
  const int most = (std::min(image.width(), image.height()) - 1) / 2;
  const int margin = std::clamp(static_cast<int>(pixels), 0, most);
  if (margin == 0) return;
  Image cropped(image.width() - 2 * margin, image.height() - 2 * margin);
  for (int y = 0; y < cropped.height(); ++y) {
    std::memcpy(cropped.pixel(0, y), image.pixel(margin, y + margin), size_t{4} * cropped.width());
  }
  premultiply(cropped);
  image = resize_bilinear(cropped, image.width(), image.height());
  unpremultiply(image);
}

}  // namespace popaug::plain
