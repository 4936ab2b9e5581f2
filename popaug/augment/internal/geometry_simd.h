// Kernels that move pixels: affine maps and shifts.
#ifndef POPAUG_AUGMENT_INTERNAL_GEOMETRY_SIMD_H_
#define POPAUG_AUGMENT_INTERNAL_GEOMETRY_SIMD_H_

#include "popaug/augment/internal/packed_pixels.h"

namespace popaug::simd {

// Pillow's 16.16 fixed-point map: output (x, y) shows input ((x0 + x ax + y bx) >> 16, ...).
struct FixedMap {
  int32_t ax = 0, bx = 0, x0 = 0;
  int32_t ay = 0, by = 0, y0 = 0;
};

struct GeometryKernels {
  // Uncovered pixels become `fill`.
  void (*affine)(const uint32_t* src, uint32_t* dst, int width, int height, const FixedMap& map,
                 uint32_t fill);
  // Output (x, y) shows input (x + dx, y + dy).
  void (*shift)(const uint32_t* src, uint32_t* dst, int width, int height, int dx, int dy,
                uint32_t fill);
};

// The kernels of the best instruction set that this machine (or a test) allows.
const GeometryKernels& geometry_kernels();

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_GEOMETRY_SIMD_H_
