#include "popaug/augment/internal/filter_plain.h"

namespace popaug::plain {

// Sums are small integers, so Pillow's float32 arithmetic followed by + 0.5 and truncation is
// rounding of the exact quotient: sum / divisor never lies nearer to a half than float32 resolves
// (an odd divisor gives no halves, and a power of two divides exactly).
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

void smooth(Image& image) {
  static constexpr int kWeights[] = {1, 1, 1, 1, 5, 1, 1, 1, 1};
  filter(image, 1, kWeights, 13);
}

}  // namespace popaug::plain
