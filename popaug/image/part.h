// Parts of image files, decoded without the rest. A door of its own beside image.h, which nearly
// every file of the project includes.
#ifndef POPAUG_IMAGE_PART_H_
#define POPAUG_IMAGE_PART_H_

#include <functional>

#include "popaug/image/image.h"

namespace popaug {

// A rectangle of an image: `width` x `height` pixels from (left, top) on.
struct ImagePart {
  int left = 0, top = 0, width = 0, height = 0;
};
Image cut(const Image& image, const ImagePart& part);
// The part of a file that `choose` names once it knows the size of the upright image: the pixels of
// cut(load_image()). Of most JPEGs only the rows and columns around the part are decoded. What
// comes after them is not read then, so a fault there is not found.
using ChoosePart = std::function<ImagePart(int width, int height)>;
Image load_image_part(const fs::path& path, const ChoosePart& choose, DecodeInfo* info = nullptr,
                      const DecodeLimits& limits = {}, const DecodeRules& rules = {});

}  // namespace popaug

#endif  // POPAUG_IMAGE_PART_H_
