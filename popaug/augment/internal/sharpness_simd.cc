// Sharpness: SMOOTH of the image blended with the image. Plain twins: blend_plain.cc and
// filter_plain.cc.
#include "popaug/augment/internal/sharpness_simd.h"

#include <algorithm>
#include <cstring>
#include <utility>

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/internal/sharpness_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "popaug/augment/internal/blend-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::blends {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR  // one lane: no vector of the four bytes of a pixel
void sharpness(const uint32_t* HWY_RESTRICT src, uint32_t* HWY_RESTRICT dst, int width, int height,
               const Blend& blend, uint16_t*) {
  const auto* from = reinterpret_cast<const uint8_t*>(src);
  auto* to = reinterpret_cast<uint8_t*>(dst);
  std::memcpy(to, from, size_t{4} * width * height);
  const ptrdiff_t line = ptrdiff_t{4} * width;
  for (int y = 1; y < height - 1; ++y) {
    for (ptrdiff_t i = y * line + 4; i < (y + 1) * line - 4; ++i) {
      if (i % 4 == 3) continue;
      int sum = 4 * from[i] + 6;
      for (const ptrdiff_t row : {i - line, i, i + line}) {
        sum += from[row - 4] + from[row] + from[row + 4];
      }
      const int smooth = sum / 13;
      const float v =
          static_cast<float>(smooth) + blend.factor * static_cast<float>(from[i] - smooth);
      to[i] = static_cast<uint8_t>(std::min(std::max(v, 0.0f), 255.0f));
    }
  }
}
#else
using D16 = hn::ScalableTag<uint16_t>;
using V16 = hn::Vec<D16>;
using D8 = hn::Rebind<uint8_t, D16>;

// Sums of a row, the one before it and the one after it, per byte.
HWY_INLINE void sum_columns(const uint8_t* HWY_RESTRICT row, size_t bytes,
                            uint16_t* HWY_RESTRICT columns) {
  const D16 d;
  const D8 d8;
  for (size_t i = 0; i < bytes; i += hn::Lanes(d)) {
    const auto above = hn::PromoteTo(d, hn::LoadU(d8, row - bytes + i));
    const auto here = hn::PromoteTo(d, hn::LoadU(d8, row + i));
    const auto below = hn::PromoteTo(d, hn::LoadU(d8, row + bytes + i));
    hn::StoreU(hn::Add(hn::Add(above, here), below), d, columns + i);
  }
}

// SMOOTH of the bytes whose sums of columns begin at `columns`.
HWY_INLINE VI16 smooth(V16 centre, const uint16_t* columns) {
  const D16 d;
  const auto thirteenth = hn::Set(d, 5042);  // exact for sums up to 13 * 255 + 6
  const auto sides = hn::Add(hn::LoadU(d, columns - 4), hn::LoadU(d, columns + 4));
  const auto middle = hn::Add(hn::LoadU(d, columns), hn::ShiftLeft<2>(centre));
  const auto sum = hn::Add(hn::Add(sides, middle), hn::Set(d, 6));
  return hn::BitCast(DI16(), hn::MulHigh(sum, thirteenth));
}

// One row of SMOOTH blended with the row itself, alpha as it was.
template <class BlendBytes>
HWY_INLINE void sharpen_row(const uint8_t* HWY_RESTRICT row, const uint16_t* HWY_RESTRICT columns,
                            uint8_t* HWY_RESTRICT out, size_t bytes, const BlendBytes& blended) {
  const D16 d;
  const D8 d8;
  const hn::Repartition<uint32_t, D8> pixel;
  const auto alpha = hn::MaskFromVec(hn::BitCast(d8, hn::Set(pixel, kOpaque)));
  for (size_t i = 0; i < bytes; i += hn::Lanes(d)) {
    const auto to = hn::LoadU(d8, row + i);
    const auto centre = hn::PromoteTo(d, to);
    const auto from = smooth(centre, columns + i);
    const auto result = blended(from, hn::BitCast(DI16(), centre));
    hn::StoreU(hn::IfThenElse(alpha, to, result), d8, out + i);
  }
}

// Blends two vectors of 16 bits to bytes: in float32.
template <bool kClip>
struct FloatBytes {
  VF factor;
  HWY_INLINE hn::Vec<D8> operator()(VI16 from, VI16 to) const {
    const DF df;
    const DI32 d32;
    const hn::Half<DI16> half;
    const hn::Rebind<uint8_t, DI32> quarter;
    const auto difference = hn::Sub(to, from);
    const auto low = blend<kClip>(hn::ConvertTo(df, hn::PromoteTo(d32, hn::LowerHalf(half, from))),
                                  hn::PromoteTo(d32, hn::LowerHalf(half, difference)), factor);
    const auto high = blend<kClip>(hn::ConvertTo(df, hn::PromoteTo(d32, hn::UpperHalf(half, from))),
                                   hn::PromoteTo(d32, hn::UpperHalf(half, difference)), factor);
    return hn::Combine(D8(), hn::DemoteTo(quarter, high), hn::DemoteTo(quarter, low));
  }
};

// ... in integers.
struct WholeBytes {
  WholeBlend blend;
  HWY_INLINE hn::Vec<D8> operator()(VI16 from, VI16 to) const {
    return hn::DemoteTo(D8(), blend(from, to));
  }
};

// Two buffers of sums in turn: those of the next row are made before a row is blended, so that no
// load waits for a store that it straddles.
template <class BlendBytes>
HWY_INLINE void sharpen(const uint32_t* HWY_RESTRICT src, uint32_t* HWY_RESTRICT dst, int width,
                        int height, uint16_t* HWY_RESTRICT scratch, const BlendBytes& blended) {
  const size_t bytes = size_t{4} * width;
  uint16_t* columns = scratch + 16;
  uint16_t* next = scratch + bytes + 128;
  const auto* row = reinterpret_cast<const uint8_t*>(src) + bytes;
  auto* out = reinterpret_cast<uint8_t*>(dst) + bytes;
  std::memcpy(dst, src, bytes);
  sum_columns(row, bytes, columns);
  for (int y = 1; y < height - 1; ++y, row += bytes, out += bytes) {
    if (y + 2 < height) sum_columns(row + bytes, bytes, next);
    sharpen_row(row, columns, out, bytes, blended);
    std::memcpy(out, row, 4);
    std::memcpy(out + bytes - 4, row + bytes - 4, 4);
    std::swap(columns, next);
  }
  std::memcpy(out, row, bytes);
}

void sharpness(const uint32_t* src, uint32_t* dst, int width, int height, const Blend& blend,
               uint16_t* scratch) {
  if (width < 3 || height < 3) {  // no pixel has all neighbours
    std::memcpy(dst, src, size_t{4} * width * height);
    return;
  }
  const VF factor = hn::Set(DF(), blend.factor);
  if (blend.whole) return sharpen(src, dst, width, height, scratch, WholeBytes{WholeBlend(blend)});
  clips(blend.factor) ? sharpen(src, dst, width, height, scratch, FloatBytes<true>{factor})
                      : sharpen(src, dst, width, height, scratch, FloatBytes<false>{factor});
}

#endif  // HWY_SCALAR

const SharpnessKernels* sharpness_table() {
  static const SharpnessKernels kKernels = {sharpness};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::blends
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::simd {
namespace blends {
HWY_EXPORT(sharpness_table);
const SharpnessKernels& best_sharpness() { return *HWY_DYNAMIC_DISPATCH(sharpness_table)(); }
}  // namespace blends
const SharpnessKernels& sharpness_kernels() { return blends::best_sharpness(); }
}  // namespace popaug::simd
#endif
