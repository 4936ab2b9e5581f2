// The last stage of the engine: the base transforms of one image and the way into the caller's
// buffer.
#ifndef POPAUG_AUGMENT_INTERNAL_OUTPUT_STAGE_H_
#define POPAUG_AUGMENT_INTERNAL_OUTPUT_STAGE_H_

#include <array>
#include <cstdint>

#include "popaug/augment/augmenter.h"
#include "popaug/augment/internal/kernels.h"
#include "popaug/augment/internal/workspace.h"

namespace popaug {

// Crop, flips, turn and cutout as drawn, for the pixels of `work`. `base` is scaled to the image. A
// turn by 90 or 270 degrees transposes the pixels of `work` here; what is left of it are flips.
simd::Crop place_base(const Kernels& kernels, Workspace& work, const BaseTransforms& base,
                      const BaseDraw& draw);

// Random erasing as drawn, in the pixels of `work`. Plain twin: plain::erase.
void apply_erase(Workspace& work, const BaseDraw& draw, EraseFill fill, bool grey);
// CutMix or mixup of the pixels of `work` with `other`. Plain twin: plain::mix.
void mix_pixels(const Kernels& kernels, Workspace& work, const uint32_t* other, const MixDraw& draw,
                const std::array<uint8_t, 3>& hole);

// Crops the pixels of `work`, in place.
void apply_crop(const Kernels& kernels, Workspace& work, const simd::Crop& crop);
// Writes the cropped pixels of `work`, normalised, to image `position` of `out`.
void write_output(const Kernels& kernels, Workspace& work, const simd::Crop& crop,
                  const simd::ChannelScale& scale, int channels, size_t position,
                  const FloatBatch& out);
void write_output(const Kernels& kernels, Workspace& work, const simd::Crop& crop,
                  const simd::ChannelScale& scale, int channels, size_t position,
                  const BFloat16Batch& out);
// ... as bytes, holes as `hole`.
void write_output(const Kernels& kernels, Workspace& work, const simd::Crop& crop,
                  const uint8_t* hole, int channels, size_t position, const ByteOutput& out);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_INTERNAL_OUTPUT_STAGE_H_
