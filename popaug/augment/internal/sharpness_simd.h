// The kernel that blends an image with its smoothed self.
#ifndef POPAUG_AUGMENT_INTERNAL_SHARPNESS_SIMD_H_
#define POPAUG_AUGMENT_INTERNAL_SHARPNESS_SIMD_H_

#include "popaug/augment/internal/find_blend.h"
#include "popaug/augment/internal/packed_pixels.h"

namespace popaug::simd {

struct SharpnessKernels {
  // dst = blend of SMOOTH(src) and src; scratch holds 8 * width + 256 uint16_t.
  void (*sharpness)(const uint32_t* src, uint32_t* dst, int width, int height, const Blend& blend,
                    uint16_t* scratch);
};

// The kernel of the best instruction set that this machine (or a test) allows.
const SharpnessKernels& sharpness_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_SHARPNESS_SIMD_H_
