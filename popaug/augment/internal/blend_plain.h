// Plain twins: what Brightness, Color, Contrast and Sharpness share. Each is a blend of a
// degenerate image and the image, as in Pillow's ImageEnhance.
#ifndef POPAUG_AUGMENT_INTERNAL_BLEND_PLAIN_H_
#define POPAUG_AUGMENT_INTERNAL_BLEND_PLAIN_H_

#include <cstdint>

#include "popaug/image/image.h"

namespace popaug::plain {

// Pillow's L24: the grey of a pixel (ITU-R 601-2 luma in 16.16 fixed point, rounded).
inline uint8_t grey_of(const uint8_t* rgb) {
  return static_cast<uint8_t>((19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 0x8000) >> 16);
}

// An image of one grey.
Image flat_image(int width, int height, uint8_t grey);

// image = from + factor * (image - from), colour by colour, with a float32 factor. Alpha stays, and
// colours under holes take part.
void blend(Image& image, const Image& from, double factor);

}  // namespace popaug::plain

#endif  // POPAUG_AUGMENT_INTERNAL_BLEND_PLAIN_H_
