// The random resized crop of photographs: a box of random area and shape, resized to the network's
// input (Szegedy et al. 2014, arXiv 1409.4842; drawn as torchvision's RandomResizedCrop draws it).
#ifndef POPAUG_AUGMENT_RESIZED_CROP_H_
#define POPAUG_AUGMENT_RESIZED_CROP_H_

#include "popaug/base/base.h"
#include "popaug/image/image.h"

namespace popaug {

struct CropBox {
  int x = 0, y = 0, width = 0, height = 0;
  bool operator==(const CropBox&) const = default;
};

struct ResizedCropRange {
  double area_low = 0.08, area_high = 1;               // share of the image's area, uniform
  double aspect_low = 3.0 / 4, aspect_high = 4.0 / 3;  // width / height, uniform in its logarithm
};

// A box inside an image of this size. Up to ten tries of uniform() for the area, uniform() for the
// aspect and, once the box fits, below() for its left and upper edge; then the largest centred box
// of an aspect within the range. Throws Error for ranges that are empty, not positive or NaN.
CropBox draw_resized_crop(int width, int height, const ResizedCropRange& range, Random& random);

// That part of the image, resized: the same bytes as Pillow's crop() and resize(BILINEAR) of RGB.
Image resized_crop(const Image& image, const CropBox& box, int width, int height);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_RESIZED_CROP_H_
