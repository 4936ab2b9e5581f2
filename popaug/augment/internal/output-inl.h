// What the writers of floats share; included once per instruction set.
#if defined(POPAUG_AUGMENT_INTERNAL_OUTPUT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POPAUG_AUGMENT_INTERNAL_OUTPUT_INL_H_
#undef POPAUG_AUGMENT_INTERNAL_OUTPUT_INL_H_
#else
#define POPAUG_AUGMENT_INTERNAL_OUTPUT_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "popaug/augment/internal/output_simd.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::output {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<uint32_t>;
using DI32 = hn::ScalableTag<int32_t>;
using DF = hn::ScalableTag<float>;
using V32 = hn::Vec<D32>;
using VF = hn::Vec<DF>;

// Output columns at either end that show nothing of the source.
struct Beside {
  int left, right;
};
HWY_INLINE Beside beside(const Crop& crop, int width) {
  const int dx = crop.flip ? -crop.dx : crop.dx;
  return {std::clamp(-dx, 0, width), std::clamp(dx, 0, width)};
}

HWY_INLINE bool is_cut(const Rectangle& cut, int y) {
  return y >= cut.top && y < cut.bottom && cut.left < cut.right;
}

HWY_INLINE void zero(float* to, int count) {
  const DF d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto zeros = hn::Zero(d);
  if (count < lanes) {
    for (int x = 0; x < count; ++x) to[x] = 0;
    return;
  }
  for (int x = 0; x + lanes < count; x += lanes) hn::StoreU(zeros, d, to + x);
  hn::StoreU(zeros, d, to + count - lanes);
}

// From this many pixels on, a batch outgrows the caches, and floats that pass by them spare reading
// the lines that are about to be overwritten.
constexpr int kStreamPixels = 96 * 96;

// Whether the rows from `out` on, `row` floats apart, are whole cache lines of such an image.
HWY_INLINE bool streams(int width, int height, const float* out, ptrdiff_t row) {
  constexpr size_t kLine = 64;
  const bool aligned = reinterpret_cast<uintptr_t>(out) % kLine == 0 &&
                       static_cast<size_t>(row) * sizeof(float) % kLine == 0;
  return width * height >= kStreamPixels && aligned && width % 16 == 0;
}

template <bool kStream>
HWY_INLINE void store(VF v, float* to) {
  kStream ? hn::Stream(v, DF(), to) : hn::StoreU(v, DF(), to);
}

// The row of pixels that is shown, with its holes and those of the cutout, in `scratch`.
template <bool kFlip>
HWY_INLINE const uint32_t* composed(const uint32_t* line, int width, const Beside& holes,
                                    const Rectangle& cut, bool is_cut, uint32_t* scratch) {
  const int left = kFlip ? holes.right : holes.left, right = kFlip ? holes.left : holes.right;
  std::memset(scratch, 0, sizeof(uint32_t) * left);
  std::memcpy(scratch + left, line + left, sizeof(uint32_t) * (width - left - right));
  std::memset(scratch + width - right, 0, sizeof(uint32_t) * right);
  if (is_cut) {
    const int begin = kFlip ? width - cut.right : cut.left;
    std::memset(scratch + begin, 0, sizeof(uint32_t) * (cut.right - cut.left));
  }
  return scratch;
}

HWY_INLINE hn::Mask<DF> is_hole(V32 v) {
  const D32 d;
  return hn::RebindMask(DF(), hn::Eq(hn::ShiftRight<24>(v), hn::Zero(d)));
}

// One channel of lanes of pixels, shifted down to the low byte.
HWY_INLINE VF scaled(V32 byte, VF scale, VF offset) {
  const DF df;
  return hn::Add(hn::Mul(hn::ConvertTo(df, hn::BitCast(DI32(), byte)), scale), offset);
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::output
HWY_AFTER_NAMESPACE();

#endif  // POPAUG_AUGMENT_INTERNAL_OUTPUT_INL_H_
