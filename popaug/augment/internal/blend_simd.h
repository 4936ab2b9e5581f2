// Kernels that blend an image with one value or with its grey.
#ifndef POPAUG_AUGMENT_INTERNAL_BLEND_SIMD_H_
#define POPAUG_AUGMENT_INTERNAL_BLEND_SIMD_H_

#include "popaug/augment/internal/find_blend.h"
#include "popaug/augment/internal/packed_pixels.h"

namespace popaug::simd {

struct BlendKernels {
  // Sum over pixels of Pillow's grey.
  uint64_t (*grey_sum)(const uint32_t* pixels, size_t n);
  // Blends towards one colour value, or towards each pixel's grey.
  void (*blend_value)(uint32_t* pixels, size_t n, uint8_t from, const Blend& blend);
  void (*blend_grey)(uint32_t* pixels, size_t n, const Blend& blend);
};

// The kernels of the best instruction set that this machine (or a test) allows.
const BlendKernels& blend_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_BLEND_SIMD_H_
