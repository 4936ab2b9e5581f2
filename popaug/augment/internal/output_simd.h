// The kernel that writes normalised float32, channels last.
#ifndef POPAUG_AUGMENT_INTERNAL_OUTPUT_SIMD_H_
#define POPAUG_AUGMENT_INTERNAL_OUTPUT_SIMD_H_

#include "popaug/augment/internal/pixels_simd.h"

namespace popaug::simd {

// byte -> float32: byte * scale + offset, not fused; holes are 0.
struct ChannelScale {
  float scale[3] = {1, 1, 1};
  float offset[3] = {0, 0, 0};
  // Entry i is that of channel i % 3: for channels that lie next to each other.
  alignas(64) float repeated_scale[48];
  alignas(64) float repeated_offset[48];

  ChannelScale() { repeat(); }
  void repeat() {
    for (int i = 0; i < 48; ++i) {
      repeated_scale[i] = scale[i % 3];
      repeated_offset[i] = offset[i % 3];
    }
  }
};

struct OutputKernels {
  // Channels last and dense (sx 3, sc 1): `out` is pixel (0, 0), rows `row` floats apart. scratch
  // is a row of pixels, with slack.
  void (*interleaved)(const uint32_t* pixels, int width, int height, const Crop& crop,
                      const ChannelScale& scale, float* out, ptrdiff_t row, uint32_t* scratch);
};

// The kernel of the best instruction set that this machine (or a test) allows.
const OutputKernels& output_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_OUTPUT_SIMD_H_
