// float32 -> bfloat16, one number at a time.
#ifndef POPAUG_AUGMENT_INTERNAL_BFLOAT16_H_
#define POPAUG_AUGMENT_INTERNAL_BFLOAT16_H_

#include <bit>
#include <cstdint>

namespace popaug {

// The bits of the bfloat16 nearest to `value`, ties to even: the upper half of a float32, after
// adding just below half of its last place, and one more where that place is odd. SIMD twin:
// rounded() in output-inl.h.
inline uint16_t bfloat16_bits(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

}  // namespace popaug

#endif  // POPAUG_AUGMENT_INTERNAL_BFLOAT16_H_
