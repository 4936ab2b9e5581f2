// Plain twins: filters over the neighbours of a pixel.
#ifndef POPAUG_AUGMENT_INTERNAL_FILTER_PLAIN_H_
#define POPAUG_AUGMENT_INTERNAL_FILTER_PLAIN_H_

#include "popaug/image/image.h"

namespace popaug::plain {

// The weighted sum over a square of side 2 * reach + 1 around every pixel that has all neighbours,
// divided by `divisor` (odd, or a power of two) and rounded. The border is copied, as Pillow does.
// Alpha is filtered like a colour, so a pixel is a hole only while its alpha is 0.
void filter(Image& image, int reach, const int* weights, int divisor);

// Pillow's SMOOTH: the mean over 3x3, in which the centre counts 5.
void smooth(Image& image);

}  // namespace popaug::plain

#endif  // POPAUG_AUGMENT_INTERNAL_FILTER_PLAIN_H_
