// What the writers of numbers share. A Number is a float, or a uint16_t: the bits of a bfloat16.
// Both are computed as floats and differ in how they are stored; included once per instruction set.
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

using D16 = hn::ScalableTag<uint16_t>;
using D32 = hn::ScalableTag<uint32_t>;
using DI32 = hn::ScalableTag<int32_t>;
using DF = hn::ScalableTag<float>;
using V32 = hn::Vec<D32>;
using VF = hn::Vec<DF>;

// The pixels that are written at a time: a vector of numbers of each channel.
template <typename Number>
HWY_INLINE int block_size() {
  constexpr size_t kVectors = sizeof(float) / sizeof(Number);
  return static_cast<int>(kVectors * hn::Lanes(DF()));
}

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

template <typename Number>
HWY_INLINE void zero(Number* to, int count) {
  const hn::ScalableTag<Number> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto zeros = hn::Zero(d);
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(Number) == 2) {  // a cutout is often narrower than a vector
    for (int x = 0; x < count; x += lanes) {
      const auto left = static_cast<size_t>(std::min(count - x, lanes));
      hn::BlendedStore(zeros, hn::FirstN(d, left), d, to + x);
    }
    return;
  }
#endif
  if (count < lanes) {
    for (int x = 0; x < count; ++x) to[x] = 0;
    return;
  }
  for (int x = 0; x + lanes < count; x += lanes) hn::StoreU(zeros, d, to + x);
  hn::StoreU(zeros, d, to + count - lanes);
}

// From this many pixels on, a batch outgrows the caches, and numbers that pass by them spare
// reading the lines that are about to be overwritten.
constexpr int kStreamPixels = 96 * 96;

// Whether the rows from `out` on, `row` numbers apart, are whole cache lines of such an image.
template <typename Number>
HWY_INLINE bool streams(int width, int height, const Number* out, ptrdiff_t row) {
  constexpr size_t kLine = 64;
  const bool aligned = reinterpret_cast<uintptr_t>(out) % kLine == 0 &&
                       static_cast<size_t>(row) * sizeof(Number) % kLine == 0;
  return width * height >= kStreamPixels && aligned && width * sizeof(Number) % kLine == 0;
}

template <bool kStream>
HWY_INLINE void store(VF v, float* to) {
  kStream ? hn::Stream(v, DF(), to) : hn::StoreU(v, DF(), to);
}

// The nearest bfloat16, ties to even, in the upper half of each lane. Plain twin: bfloat16_bits().
HWY_INLINE V32 rounded(VF v) {
  const D32 d;
  const auto bits = hn::BitCast(d, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1u));
  return hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7FFFu)));
}

// A vector of bfloat16, from two of floats.
template <bool kStream>
HWY_INLINE void store(VF first, VF second, uint16_t* to) {
  const D16 d;
#if HWY_TARGET == HWY_SCALAR
  hn::Store(hn::TruncateTo(d, hn::ShiftRight<16>(rounded(first))), d, to);
  hn::Store(hn::TruncateTo(d, hn::ShiftRight<16>(rounded(second))), d, to + 1);
#else
  const auto numbers =
      hn::ConcatOdd(d, hn::BitCast(d, rounded(second)), hn::BitCast(d, rounded(first)));
  kStream ? hn::Stream(numbers, d, to) : hn::StoreU(numbers, d, to);
#endif
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
