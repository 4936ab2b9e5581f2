// How kernels see an image. A working image is packed RGBA, one uint32_t per pixel (red in the low
// byte), rows without padding. It is 64-byte aligned, with kSlack pixels before and after it.
// Kernels may read them, and may overwrite those behind the end: loops run over whole vectors.
#ifndef POPAUG_AUGMENT_INTERNAL_PACKED_PIXELS_H_
#define POPAUG_AUGMENT_INTERNAL_PACKED_PIXELS_H_

#include <cstddef>
#include <cstdint>

namespace popaug::simd {

inline constexpr size_t kSlack = 64;  // pixels
inline constexpr uint32_t kOpaque = 0xFF000000;

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_PACKED_PIXELS_H_
