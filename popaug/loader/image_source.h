// Where a loader takes its images from.
#ifndef POPAUG_LOADER_IMAGE_SOURCE_H_
#define POPAUG_LOADER_IMAGE_SOURCE_H_

#include <memory>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/base/base.h"
#include "popaug/image/image.h"

namespace popaug {

// Images that lie in memory or in a mapped file, all of one size; or files, which are decoded each
// time and come as colour images of width x height.
struct ImageSource {
  uint32_t count = 0;
  int width = 0, height = 0, channels = 3;  // of every image, 1 or 3 channels

  // Image i at pixels + i * stride, row-major HWC without gaps; null: images are in `files`.
  const uint8_t* pixels = nullptr;
  size_t stride = 0;
  std::shared_ptr<const void> storage;  // keeps `pixels` alive; may be null

  std::vector<fs::path> files;
  Fit fit = Fit::kStretch;
  DecodeRules rules;
  bool scaled_decoding = false;  // JPEGs by load_image_scaled(): faster, other pixels

  bool in_files() const { return pixels == nullptr; }
  size_t image_bytes() const { return size_t{1} * width * height * channels; }
};

// Decodes file `i` of a source and brings it to the size of the source: as `fit` says, or where
// `least_area` is above 0, by the random resized crop that `key` draws, cut from the pixels of the
// file (photo.h). Writes image_bytes() bytes of RGB to `out`. Throws Error with the name of the
// file.
void read_image(const ImageSource& source, uint32_t i, double least_area, const SampleKey& key,
                uint8_t* out);

}  // namespace popaug

#endif  // POPAUG_LOADER_IMAGE_SOURCE_H_
