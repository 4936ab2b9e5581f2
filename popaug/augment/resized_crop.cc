#include "popaug/augment/resized_crop.h"

#include <cmath>
#include <cstring>

namespace popaug {
namespace {

void check(const ResizedCropRange& range) {
  const bool area = range.area_low > 0 && range.area_low <= range.area_high && range.area_high <= 1;
  const bool aspect = range.aspect_low > 0 && range.aspect_low <= range.aspect_high &&
                      std::isfinite(range.aspect_high);
  if (!area) {
    throw Error("resized crop: areas " + number_text(range.area_low) + ".." +
                number_text(range.area_high) + "; expected shares above 0, up to 1, lower first");
  }
  if (!aspect) {
    throw Error("resized crop: aspects " + number_text(range.aspect_low) + ".." +
                number_text(range.aspect_high) + "; expected numbers above 0, lower first");
  }
}

// The largest centred box whose aspect is within the range.
CropBox centred(int width, int height, const ResizedCropRange& range) {
  const double aspect = static_cast<double>(width) / height;
  CropBox box{0, 0, width, height};
  if (aspect < range.aspect_low) {
    box.height = static_cast<int>(std::nearbyint(width / range.aspect_low));
  } else if (aspect > range.aspect_high) {
    box.width = static_cast<int>(std::nearbyint(height * range.aspect_high));
  }
  box.x = (width - box.width) / 2;
  box.y = (height - box.height) / 2;
  return box;
}

}  // namespace

CropBox draw_resized_crop(int width, int height, const ResizedCropRange& range, Random& random) {
  POPAUG_ASSERT(width > 0 && height > 0);
  check(range);
  const double area = static_cast<double>(width) * height;
  const double low = std::log(range.aspect_low), high = std::log(range.aspect_high);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double share = range.area_low + (range.area_high - range.area_low) * random.uniform();
    const double aspect = std::exp(low + (high - low) * random.uniform());
    const int w = static_cast<int>(std::nearbyint(std::sqrt(area * share * aspect)));
    const int h = static_cast<int>(std::nearbyint(std::sqrt(area * share / aspect)));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const int x = static_cast<int>(random.below(static_cast<uint32_t>(width - w + 1)));
    const int y = static_cast<int>(random.below(static_cast<uint32_t>(height - h + 1)));
    return {x, y, w, h};
  }
  return centred(width, height, range);
}

Image resized_crop(const Image& image, const CropBox& box, int width, int height) {
  POPAUG_ASSERT(box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0 &&
                box.x + box.width <= image.width() && box.y + box.height <= image.height());
  Image part(box.width, box.height);
  for (int y = 0; y < box.height; ++y) {
    std::memcpy(part.pixel(0, y), image.pixel(box.x, box.y + y), size_t{4} * box.width);
  }
  return resize(part, width, height);
}

}  // namespace popaug
