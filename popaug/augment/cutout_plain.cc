#include <algorithm>

#include "popaug/augment/ops_plain.h"

namespace popaug::plain {

// A square of holes, its centre uniform over the image (x first, then y), clipped at the border.
// Underneath lies the published colour, or its grey in a grey image; a later op that goes through
// RGB brings it to light.
void cutout(Image& image, double side, OpContext& context) {
  const int size = static_cast<int>(side);
  if (size <= 0) return;
  POPAUG_ASSERT(context.random != nullptr);
  const int left = static_cast<int>(context.random->below(image.width())) - size / 2;
  const int top = static_cast<int>(context.random->below(image.height())) - size / 2;
  uint8_t colour[3] = {125, 122, 113};
  if (context.grey) colour[0] = colour[1] = colour[2] = grey_of(colour);
  for (int y = std::max(top, 0); y < std::min(top + size, image.height()); ++y) {
    for (int x = std::max(left, 0); x < std::min(left + size, image.width()); ++x) {
      uint8_t* pixel = image.pixel(x, y);
      std::copy(colour, colour + 3, pixel);
      pixel[3] = 0;
    }
  }
}

void identity(Image&, double, OpContext&) {}

}  // namespace popaug::plain
