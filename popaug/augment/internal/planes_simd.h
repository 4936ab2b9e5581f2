// The kernel that writes normalised float32, a plane per channel.
#ifndef POPAUG_AUGMENT_INTERNAL_PLANES_SIMD_H_
#define POPAUG_AUGMENT_INTERNAL_PLANES_SIMD_H_

#include "popaug/augment/internal/output_simd.h"

namespace popaug::simd {

struct PlaneKernels {
  // Planes with adjacent columns (sx 1), `channels` of them `plane` floats apart. scratch is a row
  // of pixels, with slack.
  void (*planes)(const uint32_t* pixels, int width, int height, const Crop& crop,
                 const ChannelScale& scale, int channels, float* out, ptrdiff_t plane,
                 ptrdiff_t row, uint32_t* scratch);
};

// The kernel of the best instruction set that this machine (or a test) allows.
const PlaneKernels& plane_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_PLANES_SIMD_H_
