#include "popaug/image/image.h"

namespace popaug {

Image::Image(int width, int height) : width_(width), height_(height) {
  POPAUG_ASSERT(width >= 0 && height >= 0);
  pixels_.resize(size_t{4} * width * height);
  for (size_t i = 3; i < pixels_.size(); i += 4) pixels_[i] = 255;
}

}  // namespace popaug
