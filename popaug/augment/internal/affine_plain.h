// Plain twins: affine maps, nearest neighbour. Pillow takes one of three paths (integer
// scale, 16.16 fixed point, floating point), which round differently; this chooses as Pillow
// chooses.
#ifndef POPAUG_AUGMENT_INTERNAL_AFFINE_PLAIN_H_
#define POPAUG_AUGMENT_INTERNAL_AFFINE_PLAIN_H_

#include <array>
#include <cstdint>

#include "popaug/augment/op.h"

namespace popaug::plain {

// A Pillow matrix: output pixel (x, y) shows input (a0 x + a1 y + a2, a3 x + a4 y + a5).
using Matrix = std::array<double, 6>;

// Uncovered pixels become holes or opaque black, as the context says.
void affine(Image& image, const Matrix& matrix, const OpContext& context);

// Whether Pillow takes the path in 16.16: the corners of the image stay in what it can hold.
bool fits_fixed(const Matrix& matrix, int width, int height);
// A number in 16.16, rounded as Pillow rounds it.
int32_t fixed(double value);

}  // namespace popaug::plain

#endif  // POPAUG_AUGMENT_INTERNAL_AFFINE_PLAIN_H_
