// The kernels that write normalised float32 and bfloat16, channels last.
#ifndef POPAUG_AUGMENT_INTERNAL_OUTPUT_SIMD_H_
#define POPAUG_AUGMENT_INTERNAL_OUTPUT_SIMD_H_

#include "popaug/augment/internal/bfloat16.h"
#include "popaug/augment/internal/pixels_simd.h"

namespace popaug::simd {

// byte -> float32: byte * scale + offset, not fused; holes are 0.
struct ChannelScale {
  float scale[3] = {1, 1, 1};
  float offset[3] = {0, 0, 0};
  // Entry i is that of channel i % 3: for channels that lie next to each other.
  alignas(64) float repeated_scale[48];
  alignas(64) float repeated_offset[48];
  // The bytes of the bfloat16 of each byte, the lower and the upper one.
  alignas(64) uint8_t bfloat16_low[3][256];
  alignas(64) uint8_t bfloat16_high[3][256];

  ChannelScale() { derive(); }
  // Makes the rest from scale and offset.
  void derive() {
    for (int i = 0; i < 48; ++i) {
      repeated_scale[i] = scale[i % 3];
      repeated_offset[i] = offset[i % 3];
    }
    for (int i = 0; i < 3 * 256; ++i) {
      const int channel = i / 256, byte = i % 256;
      const float product = static_cast<float>(byte) * scale[channel];
      const uint16_t bits = bfloat16_bits(product + offset[channel]);
      bfloat16_low[channel][byte] = static_cast<uint8_t>(bits & 255);
      bfloat16_high[channel][byte] = static_cast<uint8_t>(bits >> 8);
    }
  }
};

// Number: float, or uint16_t for the bits of a bfloat16, the nearest to the float, ties to even.
template <typename Number>
using InterleavedKernel = void (*)(const uint32_t* pixels, int width, int height, const Crop& crop,
                                   const ChannelScale& scale, Number* out, ptrdiff_t row,
                                   uint32_t* scratch);

struct OutputKernels {
  // Channels last and dense (sx 3, sc 1): `out` is pixel (0, 0), rows `row` numbers apart. scratch
  // is a row of pixels, with slack.
  InterleavedKernel<float> interleaved;
  InterleavedKernel<uint16_t> interleaved_bfloat16;
};

// The kernels of the best instruction set that this machine (or a test) allows.
const OutputKernels& output_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_OUTPUT_SIMD_H_
