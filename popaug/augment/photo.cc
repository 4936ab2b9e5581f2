#include "popaug/augment/photo.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace popaug {
namespace {

void check(int width, int height, const CropRange& range) {
  if (width < 1 || height < 1)
    throw Error("crop: the image is empty; expected at least 1x1 pixels");
  const bool area =
      range.least_area > 0 && range.least_area <= range.most_area && range.most_area <= 1;
  const bool ratio = range.least_ratio > 0 && range.least_ratio <= range.most_ratio &&
                     std::isfinite(range.most_ratio);
  if (!area || !ratio) {
    throw Error("crop: area " + number_text(range.least_area) + ".." +
                number_text(range.most_area) + ", ratio " + number_text(range.least_ratio) + ".." +
                number_text(range.most_ratio) +
                "; expected 0 < least <= most, and an area of at most 1");
  }
}

Image part_of(const Image& image, const CropBox& box) {
  Image part(box.width, box.height);
  for (int y = 0; y < box.height; ++y) {
    std::memcpy(part.pixel(0, y), image.pixel(box.left, box.top + y), size_t{4} * box.width);
  }
  return part;
}

// Python's round: halves go to the even neighbour.
int rounded(double value) { return static_cast<int>(std::nearbyint(value)); }

}  // namespace

CropBox random_crop_box(int width, int height, const CropRange& range, Random& random) {
  check(width, height, range);
  const double area = static_cast<double>(width) * height;
  const double low = std::log(range.least_ratio), high = std::log(range.most_ratio);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target =
        area * (range.least_area + (range.most_area - range.least_area) * random.uniform());
    const double ratio = std::exp(low + (high - low) * random.uniform());
    const int w = rounded(std::sqrt(target * ratio)), h = rounded(std::sqrt(target / ratio));
    if (w < 1 || w > width || h < 1 || h > height) continue;
    const int top = static_cast<int>(random.below(static_cast<uint32_t>(height - h + 1)));
    const int left = static_cast<int>(random.below(static_cast<uint32_t>(width - w + 1)));
    return {left, top, w, h};
  }
  const double ratio = static_cast<double>(width) / height;
  int w = width, h = height;
  if (ratio < range.least_ratio) h = std::clamp(rounded(width / range.least_ratio), 1, height);
  if (ratio > range.most_ratio) w = std::clamp(rounded(height * range.most_ratio), 1, width);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

Image crop_and_resize(const Image& image, const CropBox& box, int width, int height) {
  POPAUG_ASSERT(box.left >= 0 && box.top >= 0 && box.width >= 1 && box.height >= 1);
  POPAUG_ASSERT(box.left + box.width <= image.width() && box.top + box.height <= image.height());
  Image out(width, height);
  Resizer().run(image.pixel(box.left, box.top), size_t{4} * image.width(), box.width, box.height,
                out.data(), width, height);
  return out;
}

Image random_resized_crop(const Image& image, int width, int height, const CropRange& range,
                          const SampleKey& key) {
  Random random = stream_of(key, Purpose::kResizedCrop);
  const CropBox box = random_crop_box(image.width(), image.height(), range, random);
  return crop_and_resize(image, box, width, height);
}

int enough_for_crops(int side, const CropRange& range) {
  const double share = std::sqrt(range.least_area * range.least_ratio);
  return static_cast<int>(std::min(std::ceil(side / share), double{1 << 20}));
}

Image centre_crop(const Image& image, int side, double share) {
  if (side < 1 || !(share > 0 && share <= 1)) {
    throw Error("crop: side " + std::to_string(side) + ", share " + number_text(share) +
                "; expected a side of at least 1 and a share above 0, at most 1");
  }
  const int shorter = std::min(image.width(), image.height());
  if (shorter < 1) throw Error("crop: the image is empty; expected at least 1x1 pixels");
  const double scale = std::max<double>(side, rounded(side / share)) / shorter;
  const int width = std::max(side, rounded(image.width() * scale));
  const int height = std::max(side, rounded(image.height() * scale));
  const Image scaled = resize(image, width, height);
  return part_of(scaled, {(width - side) / 2, (height - side) / 2, side, side});
}

}  // namespace popaug
