#include "popaug/train/internal/turned_images.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace popaug {
namespace {

// `from` and `to`: [height][width][channels]; square images where `turn` transposes.
void turn_image(const uint8_t* from, int width, int height, int channels, Turn turn, uint8_t* to) {
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x, to += channels) {
      int row = turn.reverse_rows ? height - 1 - y : y;
      int column = turn.reverse_columns ? width - 1 - x : x;
      if (turn.transpose) std::swap(row, column);
      const size_t pixel = static_cast<size_t>(row) * static_cast<size_t>(width) + column;
      std::memcpy(to, from + pixel * channels, static_cast<size_t>(channels));
    }
  }
}

}  // namespace

TurnedImages::TurnedImages(const Subset& subset, int64_t most, Turn turn) {
  const ImageSet& set = *subset.split;
  const size_t all = subset.indices.size(), count = std::min(all, static_cast<size_t>(most));
  pixels_.resize(count * set.image_bytes());
  images_.name = set.name;
  images_.width = set.width;
  images_.height = set.height;
  images_.channels = set.channels;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t image = subset.indices[i * all / count];
    turn_image(set.pixels.data() + image * set.image_bytes(), set.width, set.height, set.channels,
               turn, pixels_.data() + i * set.image_bytes());
    images_.labels.push_back(set.labels[image]);
  }
  images_.pixels = pixels_;
  subset_.split = &images_;
  subset_.indices.resize(count);
  std::iota(subset_.indices.begin(), subset_.indices.end(), 0u);
}

}  // namespace popaug
