// Blends by a factor: float32, one multiply and one add, never fused. Plain twins: enhance_plain.cc
// and SMOOTH of filter_plain.cc.
#include <algorithm>
#include <cstring>

#include "popaug/augment/kernels_simd.h"

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/blend_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

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

// Pillow's L24 of every pixel.
HWY_INLINE V32 grey_of(V32 v) {
#if HWY_TARGET == HWY_AVX3_DL
  // Pairs of 16 bits: red and blue; green twice, with half its weight each.
  const __m512i red_blue = _mm512_and_si512(v.raw, _mm512_set1_epi32(0x00FF00FF));
  const __m512i green = _mm512_shuffle_epi8(
      v.raw, _mm512_set4_epi32(static_cast<int>(0x800D800Du), static_cast<int>(0x80098009u),
                               static_cast<int>(0x80058005u), static_cast<int>(0x80018001u)));
  const __m512i outer = _mm512_madd_epi16(red_blue, _mm512_set1_epi32(7471 << 16 | 19595));
  const __m512i inner = _mm512_madd_epi16(green, _mm512_set1_epi32(19235 << 16 | 19235));
  const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(outer, inner), _mm512_set1_epi32(0x8000));
  return V32{_mm512_srli_epi32(sum, 16)};
#else
  const D32 d;
  const auto byte = hn::Set(d, 255u);
  const auto red = hn::Mul(hn::And(v, byte), hn::Set(d, 19595u));
  const auto green = hn::Mul(hn::And(hn::ShiftRight<8>(v), byte), hn::Set(d, 38470u));
  const auto blue = hn::Mul(hn::And(hn::ShiftRight<16>(v), byte), hn::Set(d, 7471u));
  return hn::ShiftRight<16>(hn::Add(hn::Add(red, green), hn::Add(blue, hn::Set(d, 0x8000u))));
#endif
}

uint64_t grey_sum(const uint32_t* HWY_RESTRICT pixels, size_t n) {
  const D32 d;
  const size_t lanes = hn::Lanes(d);
  uint64_t total = 0;
  size_t i = 0;
  while (i + lanes <= n) {
    // A lane of 32 bits holds 2^24 greys.
    const size_t end = std::min(n, i + (lanes << 24));
    auto sum = hn::Zero(d);
    for (; i + lanes <= end; i += lanes) sum = hn::Add(sum, grey_of(hn::LoadU(d, pixels + i)));
    HWY_ALIGN uint32_t parts[HWY_MAX_BYTES / 4];
    hn::Store(sum, d, parts);
    for (size_t k = 0; k < lanes; ++k) total += parts[k];
  }
  for (; i < n; ++i) {
    const uint32_t v = pixels[i];
    total += (19595 * (v & 255) + 38470 * (v >> 8 & 255) + 7471 * (v >> 16 & 255) + 0x8000) >> 16;
  }
  return total;
}

// from + factor * (to - from), truncated; clipped where the factor lies outside 0..1.
template <bool kClip>
HWY_INLINE VI32 blend(VF from, VI32 difference, VF factor) {
  const DF d;
  VF v = hn::Add(from, hn::Mul(factor, hn::ConvertTo(d, difference)));
  if (kClip) v = hn::Min(hn::Max(v, hn::Zero(d)), hn::Set(d, 255.0f));
  return hn::ConvertTo(DI32(), v);
}

template <bool kClip, bool kGrey>
HWY_INLINE void blend_pixels(uint32_t* HWY_RESTRICT pixels, size_t n, uint8_t value, float factor) {
  const D32 d;
  const DI32 di;
  const DF df;
  const auto byte = hn::Set(d, 255u);
  const auto alpha = hn::Set(d, kOpaque);
  const auto f = hn::Set(df, factor);
  V32 base = hn::Set(d, uint32_t{value});
  VF from = hn::ConvertTo(df, hn::BitCast(di, base));
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, pixels + i);
    if (kGrey) {
      base = grey_of(v);
      from = hn::ConvertTo(df, hn::BitCast(di, base));
    }
    const auto red = hn::BitCast(di, hn::Sub(hn::And(v, byte), base));
    const auto green = hn::BitCast(di, hn::Sub(hn::And(hn::ShiftRight<8>(v), byte), base));
    const auto blue = hn::BitCast(di, hn::Sub(hn::And(hn::ShiftRight<16>(v), byte), base));
    const auto out_red = hn::BitCast(d, blend<kClip>(from, red, f));
    const auto out_green = hn::BitCast(d, blend<kClip>(from, green, f));
    const auto out_blue = hn::BitCast(d, blend<kClip>(from, blue, f));
    const auto low = hn::Or(out_red, hn::ShiftLeft<8>(out_green));
    const auto high = hn::Or(hn::ShiftLeft<16>(out_blue), hn::And(v, alpha));
    hn::StoreU(hn::Or(low, high), d, pixels + i);
  }
}

#if HWY_TARGET == HWY_AVX3_DL
// The same; packing with saturation clips, and in four steps puts the channels together.
void blend_grey_packed(uint32_t* HWY_RESTRICT pixels, size_t n, float factor) {
  const __m512 f = _mm512_set1_ps(factor);
  const __m512i byte = _mm512_set1_epi32(255);
  const __m512i order = _mm512_set4_epi32(0x0F0B0703, 0x0E0A0602, 0x0D090501, 0x0C080400);
  for (size_t i = 0; i < n; i += 16) {
    const __m512i v = _mm512_loadu_si512(pixels + i);
    const __m512i grey = grey_of(V32{v}).raw;
    const __m512 from = _mm512_cvtepi32_ps(grey);
    const __m512i red = _mm512_sub_epi32(_mm512_and_si512(v, byte), grey);
    const __m512i green = _mm512_sub_epi32(_mm512_and_si512(_mm512_srli_epi32(v, 8), byte), grey);
    const __m512i blue = _mm512_sub_epi32(_mm512_and_si512(_mm512_srli_epi32(v, 16), byte), grey);
    const __m512i out_red =
        _mm512_cvttps_epi32(_mm512_add_ps(from, _mm512_mul_ps(f, _mm512_cvtepi32_ps(red))));
    const __m512i out_green =
        _mm512_cvttps_epi32(_mm512_add_ps(from, _mm512_mul_ps(f, _mm512_cvtepi32_ps(green))));
    const __m512i out_blue =
        _mm512_cvttps_epi32(_mm512_add_ps(from, _mm512_mul_ps(f, _mm512_cvtepi32_ps(blue))));
    const __m512i low = _mm512_packs_epi32(out_red, out_green);
    const __m512i high = _mm512_packs_epi32(out_blue, _mm512_srli_epi32(v, 24));
    const __m512i bytes = _mm512_packus_epi16(low, high);
    _mm512_storeu_si512(pixels + i, _mm512_shuffle_epi8(bytes, order));
  }
}
#endif

bool clips(float factor) { return !(factor >= 0.0f && factor <= 1.0f); }

void blend_value(uint32_t* pixels, size_t n, uint8_t from, float factor) {
  clips(factor) ? blend_pixels<true, false>(pixels, n, from, factor)
                : blend_pixels<false, false>(pixels, n, from, factor);
}

void blend_grey(uint32_t* pixels, size_t n, float factor) {
#if HWY_TARGET == HWY_AVX3_DL
  return blend_grey_packed(pixels, n, factor);
#endif
  clips(factor) ? blend_pixels<true, true>(pixels, n, 0, factor)
                : blend_pixels<false, true>(pixels, n, 0, factor);
}

#if HWY_TARGET == HWY_SCALAR  // one lane: no vector of the four bytes of a pixel
void sharpness(const uint32_t* HWY_RESTRICT src, uint32_t* HWY_RESTRICT dst, int width, int height,
               float factor, uint16_t*) {
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
      const float v = static_cast<float>(smooth) + factor * static_cast<float>(from[i] - smooth);
      to[i] = static_cast<uint8_t>(std::min(std::max(v, 0.0f), 255.0f));
    }
  }
}
#else
using D16 = hn::ScalableTag<uint16_t>;
using DI16 = hn::ScalableTag<int16_t>;

// One row of SMOOTH blended with the row itself; `columns` holds sums of three rows per byte.
template <bool kClip>
HWY_INLINE void sharpen_row(const uint8_t* HWY_RESTRICT row, const uint16_t* HWY_RESTRICT columns,
                            uint8_t* HWY_RESTRICT out, size_t bytes, VF factor) {
  const D16 d;
  const DI16 di;
  const DI32 d32;
  const DF df;
  const hn::Rebind<uint8_t, D16> d8;
  const hn::Half<DI16> half;
  const auto six = hn::Set(d, 6);
  const auto thirteenth = hn::Set(d, 5042);  // exact for sums up to 13 * 255 + 6
  for (size_t i = 0; i < bytes; i += hn::Lanes(d)) {
    const auto centre = hn::PromoteTo(d, hn::LoadU(d8, row + i));
    const auto sides = hn::Add(hn::LoadU(d, columns + i - 4), hn::LoadU(d, columns + i + 4));
    const auto middle = hn::Add(hn::LoadU(d, columns + i), hn::ShiftLeft<2>(centre));
    const auto sum = hn::Add(hn::Add(sides, middle), six);
    const auto smooth = hn::MulHigh(sum, thirteenth);
    const auto difference = hn::BitCast(di, hn::Sub(centre, smooth));
    const auto from = hn::BitCast(di, smooth);
    const auto low = blend<kClip>(hn::ConvertTo(df, hn::PromoteTo(d32, hn::LowerHalf(half, from))),
                                  hn::PromoteTo(d32, hn::LowerHalf(half, difference)), factor);
    const auto high = blend<kClip>(hn::ConvertTo(df, hn::PromoteTo(d32, hn::UpperHalf(half, from))),
                                   hn::PromoteTo(d32, hn::UpperHalf(half, difference)), factor);
    const hn::Rebind<uint8_t, DI32> quarter;
    hn::StoreU(hn::DemoteTo(quarter, low), quarter, out + i);
    hn::StoreU(hn::DemoteTo(quarter, high), quarter, out + i + hn::Lanes(d32));
  }
}

void sharpness(const uint32_t* HWY_RESTRICT src, uint32_t* HWY_RESTRICT dst, int width, int height,
               float factor, uint16_t* HWY_RESTRICT scratch) {
  if (width < 3 || height < 3) {  // no pixel has all neighbours
    std::memcpy(dst, src, size_t{4} * width * height);
    return;
  }
  const D16 d;
  const hn::Rebind<uint8_t, D16> d8;
  const D32 d32;
  const size_t bytes = size_t{4} * width;
  const bool clip = clips(factor);
  const auto f = hn::Set(DF(), factor);
  const auto alpha = hn::Set(d32, kOpaque);
  uint16_t* columns = scratch + 64;
  std::memcpy(dst, src, bytes);
  for (int y = 1; y < height - 1; ++y) {
    const uint32_t* line = src + size_t{1} * y * width;
    uint32_t* target = dst + size_t{1} * y * width;
    const auto* row = reinterpret_cast<const uint8_t*>(line);
    for (size_t i = 0; i < bytes; i += hn::Lanes(d)) {
      const auto above = hn::PromoteTo(d, hn::LoadU(d8, row - bytes + i));
      const auto here = hn::PromoteTo(d, hn::LoadU(d8, row + i));
      const auto below = hn::PromoteTo(d, hn::LoadU(d8, row + bytes + i));
      hn::StoreU(hn::Add(hn::Add(above, here), below), d, columns + i);
    }
    auto* out = reinterpret_cast<uint8_t*>(target);
    clip ? sharpen_row<true>(row, columns, out, bytes, f)
         : sharpen_row<false>(row, columns, out, bytes, f);
    for (int x = 0; x < width; x += static_cast<int>(hn::Lanes(d32))) {
      const auto colours = hn::AndNot(alpha, hn::LoadU(d32, target + x));
      hn::StoreU(hn::Or(colours, hn::And(hn::LoadU(d32, line + x), alpha)), d32, target + x);
    }
    target[0] = line[0];
    target[width - 1] = line[width - 1];
  }
  std::memcpy(dst + size_t{1} * (height - 1) * width, src + size_t{1} * (height - 1) * width,
              bytes);
}

#endif  // HWY_SCALAR

const BlendKernels* kernels() {
  static const BlendKernels kKernels = {grey_sum, blend_value, blend_grey, sharpness};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::blends
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::simd {
namespace blends {
HWY_EXPORT(kernels);
const BlendKernels& best() { return *HWY_DYNAMIC_DISPATCH(kernels)(); }
}  // namespace blends
const BlendKernels& blend_kernels() { return blends::best(); }
}  // namespace popaug::simd
#endif
