// The kernels that write normalised float32 and bfloat16, a plane per channel.
#ifndef POPAUG_AUGMENT_INTERNAL_PLANES_SIMD_H_
#define POPAUG_AUGMENT_INTERNAL_PLANES_SIMD_H_

#include "popaug/augment/internal/output_simd.h"

namespace popaug::simd {

// Number: as for InterleavedKernel.
template <typename Number>
using PlanesKernel = void (*)(const uint32_t* pixels, int width, int height, const Crop& crop,
                              const ChannelScale& scale, int channels, Number* out, ptrdiff_t plane,
                              ptrdiff_t row, uint32_t* scratch);

struct PlaneKernels {
  // Planes with adjacent columns (sx 1), `channels` of them `plane` numbers apart. scratch is a row
  // of pixels, with slack.
  PlanesKernel<float> planes;
  PlanesKernel<uint16_t> planes_bfloat16;
};

// The kernels of the best instruction set that this machine (or a test) allows.
const PlaneKernels& plane_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_PLANES_SIMD_H_
