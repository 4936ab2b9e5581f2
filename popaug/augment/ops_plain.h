// The plain twins: what each op is, written to be read. Pixels as Pillow 12.3.0 leaves them for an
// RGBA image that went through the published pipeline (REFERENCE 2). Private to room augment.
#ifndef POPAUG_AUGMENT_OPS_PLAIN_H_
#define POPAUG_AUGMENT_OPS_PLAIN_H_

#include <array>
#include <cstdint>

#include "popaug/augment/op.h"

namespace popaug::plain {

// geometry_plain.cc
void rotate(Image& image, double degrees, OpContext& context);
void translate_x(Image& image, double pixels, OpContext& context);
void translate_y(Image& image, double pixels, OpContext& context);
void shear_x(Image& image, double value, OpContext& context);
void shear_y(Image& image, double value, OpContext& context);
void flip_lr(Image& image, double value, OpContext& context);
void flip_ud(Image& image, double value, OpContext& context);

// A Pillow matrix: output pixel (x, y) shows input (a0 x + a1 y + a2, a3 x + a4 y + a5).
using Matrix = std::array<double, 6>;
// The matrix of Pillow's Image.rotate for an image of this size.
Matrix rotation(double degrees, int width, int height);
// Nearest neighbour; uncovered pixels become holes or opaque black.
void affine(Image& image, const Matrix& matrix, const OpContext& context);

// table_plain.cc: ops that go through RGB (a hole becomes an ordinary pixel)
void invert(Image& image, double value, OpContext& context);
void posterize(Image& image, double bits, OpContext& context);
void solarize(Image& image, double threshold, OpContext& context);
void equalize(Image& image, double value, OpContext& context);
void auto_contrast(Image& image, double value, OpContext& context);

// enhance_plain.cc: blends with a degenerate image; alpha stays
void brightness(Image& image, double factor, OpContext& context);
void color(Image& image, double factor, OpContext& context);
void contrast(Image& image, double factor, OpContext& context);
void sharpness(Image& image, double factor, OpContext& context);

// filter_plain.cc: alpha is filtered like a colour
void smooth(Image& image, double value, OpContext& context);
void blur(Image& image, double value, OpContext& context);
void crop_bilinear(Image& image, double pixels, OpContext& context);

// cutout_plain.cc
void cutout(Image& image, double side, OpContext& context);
void identity(Image& image, double value, OpContext& context);

// Pillow's L24: the grey of a pixel (ITU-R 601-2 luma in 16.16 fixed point, rounded).
inline uint8_t grey_of(const uint8_t* rgb) {
  return static_cast<uint8_t>((19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 0x8000) >> 16);
}

}  // namespace popaug::plain

#endif  // POPAUG_AUGMENT_OPS_PLAIN_H_
