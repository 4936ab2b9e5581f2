// The arithmetic of blends; included once per instruction set.
#if defined(POPAUG_AUGMENT_INTERNAL_BLEND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POPAUG_AUGMENT_INTERNAL_BLEND_INL_H_
#undef POPAUG_AUGMENT_INTERNAL_BLEND_INL_H_
#else
#define POPAUG_AUGMENT_INTERNAL_BLEND_INL_H_
#endif

#include "hwy/highway.h"
#include "popaug/augment/internal/find_blend.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::blends {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<uint32_t>;
using DI32 = hn::ScalableTag<int32_t>;
using DF = hn::ScalableTag<float>;
using V32 = hn::Vec<D32>;
using VI32 = hn::Vec<DI32>;
using VF = hn::Vec<DF>;

inline bool clips(float factor) { return !(factor >= 0.0f && factor <= 1.0f); }

// from + factor * (to - from), truncated; clipped where the factor lies outside 0..1. float32, one
// multiply and one add, never fused.
template <bool kClip>
HWY_INLINE VI32 blend(VF from, VI32 difference, VF factor) {
  const DF d;
  VF v = hn::Add(from, hn::Mul(factor, hn::ConvertTo(d, difference)));
  if (kClip) v = hn::Min(hn::Max(v, hn::Zero(d)), hn::Set(d, 255.0f));
  return hn::ConvertTo(DI32(), v);
}

#if HWY_TARGET != HWY_SCALAR
using DI16 = hn::ScalableTag<int16_t>;
using VI16 = hn::Vec<DI16>;

// The same in integers of 16 bits, not yet clipped (Blend::whole).
class WholeBlend {
 public:
  explicit WholeBlend(const Blend& blend)
      : gain_(hn::Set(DI16(), blend.gain)),
        bias_(hn::Set(DI16(), blend.bias)),
        shift_(blend.shift) {}
  VI16 bias() const { return bias_; }

  // `moved` is 64 * (to - from) + bias.
  HWY_INLINE VI16 apply(VI16 to, VI16 moved) const {
    return hn::Add(to, hn::ShiftRightSame(hn::MulHigh(moved, gain_), shift_));
  }
  HWY_INLINE VI16 operator()(VI16 from, VI16 to) const {
    return apply(to, hn::Add(hn::ShiftLeft<6>(hn::Sub(to, from)), bias_));
  }

 private:
  VI16 gain_, bias_;
  int shift_;
};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::blends
HWY_AFTER_NAMESPACE();

#endif  // POPAUG_AUGMENT_INTERNAL_BLEND_INL_H_
