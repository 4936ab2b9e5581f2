// Resampling: what the plain and the fast twin share.
#ifndef POPAUG_IMAGE_INTERNAL_RESIZE_H_
#define POPAUG_IMAGE_INTERNAL_RESIZE_H_

#include "popaug/image/image.h"

namespace popaug::resizing {

inline constexpr int kFractionBits = 22;  // 32, less 8 for the sample and 2 for sums above one

// Pillow's weights: a triangle filter, widened when shrinking. `axis` keeps its memory.
void fill_axis(int in, int out, ResizeAxis& axis);

// Whether the rows are made before the columns. Pillow's Image.resize() does so for an image more
// than a hundred times as high as wide that becomes lower, which is cheaper.
bool goes_down_first(const Image& image, int height);

// The fast passes, chosen once per image. Sums are rounded to bytes.
struct Kernels {
  // `rows` rows of `out_width` pixels, without gaps.
  void (*across)(const uint8_t* in, size_t row_bytes, int rows, const ResizeAxis& axis,
                 int out_width, uint8_t* out);
  // Rows of `width` pixels become `out_height` rows without gaps.
  void (*down)(const uint8_t* in, size_t row_bytes, int width, const ResizeAxis& axis,
               int out_height, uint8_t* out);
};
const Kernels& kernels();

}  // namespace popaug::resizing

#endif  // POPAUG_IMAGE_INTERNAL_RESIZE_H_
