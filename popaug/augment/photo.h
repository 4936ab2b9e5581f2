// Photographs: the random resized crop that brings images of any size to one size, before an
// Augmenter of that size.
#ifndef POPAUG_AUGMENT_PHOTO_H_
#define POPAUG_AUGMENT_PHOTO_H_

#include "popaug/augment/place.h"
#include "popaug/augment/sampler.h"
#include "popaug/image/image.h"

namespace popaug {

// Which part of a photograph is cut out: its share of the area, and width / height of the part.
struct CropRange {
  double least_area = 0.08, most_area = 1.0;  // 0 < least <= most <= 1
  double least_ratio = 3.0 / 4, most_ratio = 4.0 / 3;
};

// The rule of torchvision's RandomResizedCrop (its get_params; the ranges above are its defaults):
// up to ten tries at an area (uniform) and a ratio (uniform in its logarithm), sides rounded,
// halves to even; the first try that fits gets a uniform place; else the centre, as large as the
// ratios allow. Draws per try: uniform() for the area, uniform() for the ratio; then below(height -
// h + 1) for the top and below(width - w + 1) for the left of the one that fits. Error for an empty
// image or ranges that are none.
CropBox random_crop_box(int width, int height, const CropRange& range, Random& random);

// The box of the image (it must lie inside), resized as Pillow does (bilinear, antialiased).
Image crop_and_resize(const Image& image, const CropBox& box, int width, int height);

// Both: the part of `image` that `key` draws (from Purpose::kResizedCrop), at width x height.
Image random_resized_crop(const Image& image, int width, int height, const CropRange& range,
                          const SampleKey& key);

// How many pixels a side scaled decoding must leave of a photograph, so that the smallest part that
// a crop may take has `side` of them: the sides of a part are at least sqrt(least_area *
// least_ratio) of those of a square.
int enough_for_crops(int side, const CropRange& range);

// What evaluation takes: the shorter side to `side / share`, then the centre square of `side`.
Image centre_crop(const Image& image, int side, double share = 0.875);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_PHOTO_H_
