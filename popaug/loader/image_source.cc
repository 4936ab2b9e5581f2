#include "popaug/loader/image_source.h"

#include <algorithm>
#include <cstring>

#include "popaug/image/part.h"

namespace popaug {
namespace {

Image decoded_part(const ImageSource& source, const fs::path& file, double least_area,
                   const SampleKey& key) {
  const CropRange range{.least_area = least_area};
  Random random = stream_of(key, Purpose::kResizedCrop);
  const auto choose = [&](int width, int height) {
    const CropBox box = random_crop_box(width, height, range, random);
    return ImagePart{box.left, box.top, box.width, box.height};
  };
  if (!source.scaled_decoding) return load_image_part(file, choose, nullptr, {}, source.rules);
  const int enough = enough_for_crops(std::max(source.width, source.height), range);
  const Image whole = load_image_scaled(file, enough, enough, nullptr, {}, source.rules);
  return cut(whole, choose(whole.width(), whole.height()));
}

Image decoded_whole(const ImageSource& source, const fs::path& file) {
  return source.scaled_decoding
             ? load_image_scaled(file, source.width, source.height, nullptr, {}, source.rules)
             : load_image(file, nullptr, {}, source.rules);
}

}  // namespace

void read_image(const ImageSource& source, uint32_t i, double least_area, const SampleKey& key,
                uint8_t* out) {
  const fs::path& file = source.files[i];
  const Image image =
      least_area > 0
          ? resize(decoded_part(source, file, least_area, key), source.width, source.height)
          : fit_image(decoded_whole(source, file), source.width, source.height, source.fit);
  // Each copy takes four bytes, of which the next one replaces the last.
  const size_t last = image.size_bytes() / 4 - 1;
  const uint8_t* from = image.data();
  for (size_t p = 0; p < last; ++p, from += 4, out += 3) std::memcpy(out, from, 4);
  std::memcpy(out, from, 3);
}

}  // namespace popaug
