// The last stage of the engine: the base transforms of one image and the way into the caller's
// buffer. Private to room augment.
#ifndef POPAUG_AUGMENT_PLACE_H_
#define POPAUG_AUGMENT_PLACE_H_

#include <array>
#include <cstdint>

#include "popaug/augment/augmenter.h"
#include "popaug/augment/prepared_op.h"

namespace popaug {

// Crop, flip and cutout as drawn. `base` is scaled to the image; `solid` as Workspace::solid().
simd::Crop crop_of(const BaseTransforms& base, const BaseDraw& draw, int width, int height,
                   bool solid);

// The pixels of `work` through `crop`: in place, for what then looks at them.
void place(const Kernels& kernels, Workspace& work, const simd::Crop& crop);
// ... normalised, to image `position` of `out`.
void place(const Kernels& kernels, Workspace& work, const simd::Crop& crop,
           const simd::ChannelScale& scale, int channels, size_t position, const FloatBatch& out);
// ... as bytes, holes as `hole`, to image `position` of `out`.
void place(const Kernels& kernels, Workspace& work, const simd::Crop& crop, const uint8_t* hole,
           int channels, size_t position, const ByteOutput& out);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_PLACE_H_
