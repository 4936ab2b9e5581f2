// Random erasing, CutMix and mixup on RGBA8, written to be read: what the engine must equal.
#ifndef POPAUG_AUGMENT_INTERNAL_MIX_PLAIN_H_
#define POPAUG_AUGMENT_INTERNAL_MIX_PLAIN_H_

#include <array>

#include "popaug/augment/sampler.h"
#include "popaug/image/image.h"

namespace popaug::plain {

// Fills the box that was drawn. kHole: holes. kMean: the mean colour of the image before, of its
// pixels that are not holes, rounded, halves up; holes where it has no other pixel. kNoise: each
// pixel, row by row, takes the low three bytes of the next word of Random under the seed that was
// drawn (grey images: its low byte).
void erase(Image& image, const BaseDraw& draw, EraseFill fill, bool grey);

// Mixes `partner` into `image`, of the same size. `hole` is the colour that a hole stands for.
// CutMix copies the box. mixup makes byte (a w + b (256 - w) + 128) / 256 of bytes a and b; two
// holes stay a hole. A share of 1 changes nothing.
void mix(Image& image, const Image& partner, const MixDraw& draw,
         const std::array<uint8_t, 3>& hole);

}  // namespace popaug::plain

#endif  // POPAUG_AUGMENT_INTERNAL_MIX_PLAIN_H_
