// A blend in float32 as arithmetic on integers of 16 bits.
#ifndef POPAUG_AUGMENT_INTERNAL_FIND_BLEND_H_
#define POPAUG_AUGMENT_INTERNAL_FIND_BLEND_H_

#include <cstdint>

namespace popaug::simd {

// A blend from + factor * (to - from): |factor| <= 2^20. Where `whole`, integers of 16 bits give
// the same bytes: to + ((64 * (to - from) + bias) * gain >> 16 >> shift), clipped to 0..255; with
// bias in -64..64, nothing on the way leaves 16 bits. find_blend() finds out.
struct Blend {
  float factor = 1;
  bool whole = false;
  int16_t gain = 0, bias = 0;
  int shift = 0;
};
Blend find_blend(float factor);

}  // namespace popaug::simd

#endif  // POPAUG_AUGMENT_INTERNAL_FIND_BLEND_H_
