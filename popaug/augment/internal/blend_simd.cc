// Blends by a factor towards a value or towards grey. Plain twin: blend_plain.cc.
#include "popaug/augment/internal/blend_simd.h"

#include <algorithm>
#include <cstring>

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/internal/blend_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "popaug/augment/internal/blend-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::blends {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
#define POPAUG_BLEND_X86 1
using D8 = hn::ScalableTag<uint8_t>;
using V8 = hn::Vec<D8>;

// Per 32 bits: the product of the low halves plus that of the high halves, signed.
HWY_INLINE V32 pair_products(V32 a, V32 b) {
#if HWY_TARGET <= HWY_AVX3
  return V32{_mm512_madd_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return V32{_mm256_madd_epi16(a.raw, b.raw)};
#else
  return V32{_mm_madd_epi16(a.raw, b.raw)};
#endif
}

// Clipped to bytes, in the order that undoes InterleaveLower and InterleaveUpper.
HWY_INLINE V8 packed(VI16 low, VI16 high) {
#if HWY_TARGET <= HWY_AVX3
  return V8{_mm512_packus_epi16(low.raw, high.raw)};
#elif HWY_TARGET == HWY_AVX2
  return V8{_mm256_packus_epi16(low.raw, high.raw)};
#else
  return V8{_mm_packus_epi16(low.raw, high.raw)};
#endif
}
#else
#define POPAUG_BLEND_X86 0
#endif

// Pillow's L24 of every pixel.
HWY_INLINE V32 grey_of(V32 v) {
#if POPAUG_BLEND_X86
  // Pairs of 16 bits: red and blue; green twice, with half its weight each.
  const D32 d;
  alignas(16) static constexpr uint8_t kGreen[16] = {1, 128, 1, 128, 5,  128, 5,  128,
                                                     9, 128, 9, 128, 13, 128, 13, 128};
  const auto green = hn::TableLookupBytesOr0(hn::BitCast(D8(), v), hn::LoadDup128(D8(), kGreen));
  const auto outer =
      pair_products(hn::And(v, hn::Set(d, 0x00FF00FFu)), hn::Set(d, 7471u << 16 | 19595u));
  const auto inner = pair_products(hn::BitCast(d, green), hn::Set(d, 19235u << 16 | 19235u));
  return hn::ShiftRight<16>(hn::Add(hn::Add(outer, inner), hn::Set(d, 0x8000u)));
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

#if POPAUG_BLEND_X86
// The same in integers.
void blend_value_whole(uint32_t* HWY_RESTRICT pixels, size_t n, uint8_t from, const Blend& blend) {
  const D32 d;
  const D8 d8;
  const DI16 d16;
  const WholeBlend whole(blend);
  const auto alpha = hn::MaskFromVec(hn::BitCast(d8, hn::Set(d, kOpaque)));
  const auto base = hn::Set(d16, static_cast<int16_t>(blend.bias - 64 * from));
  const auto moved = [&](VI16 to) { return whole.apply(to, hn::Add(hn::ShiftLeft<6>(to), base)); };
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto v = hn::BitCast(d8, hn::LoadU(d, pixels + i));
    const auto low = hn::BitCast(d16, hn::InterleaveLower(d8, v, hn::Zero(d8)));
    const auto high = hn::BitCast(d16, hn::InterleaveUpper(d8, v, hn::Zero(d8)));
    const auto out = packed(moved(low), moved(high));
    hn::StoreU(hn::BitCast(d, hn::IfThenElse(alpha, v, out)), d, pixels + i);
  }
}

void blend_grey_whole(uint32_t* HWY_RESTRICT pixels, size_t n, const Blend& blend) {
  const D32 d;
  const D8 d8;
  const DI16 d16;
  const WholeBlend whole(blend);
  // Grey three times and alpha, which is then blended with itself.
  alignas(16) static constexpr uint8_t kSpread[16] = {0, 0, 0, 3,  4,  4,  4,  7,
                                                      8, 8, 8, 11, 12, 12, 12, 15};
  const auto spread = hn::LoadDup128(d8, kSpread);
  const auto zero = hn::Zero(d8);
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, pixels + i);
    const auto grey = hn::Or(grey_of(v), hn::And(v, hn::Set(d, kOpaque)));
    const auto from = hn::TableLookupBytes(hn::BitCast(d8, grey), spread);
    const auto to = hn::BitCast(d8, v);
    const auto low = whole(hn::BitCast(d16, hn::InterleaveLower(d8, from, zero)),
                           hn::BitCast(d16, hn::InterleaveLower(d8, to, zero)));
    const auto high = whole(hn::BitCast(d16, hn::InterleaveUpper(d8, from, zero)),
                            hn::BitCast(d16, hn::InterleaveUpper(d8, to, zero)));
    hn::StoreU(hn::BitCast(d, packed(low, high)), d, pixels + i);
  }
}
#endif

void blend_value(uint32_t* pixels, size_t n, uint8_t from, const Blend& blend) {
#if POPAUG_BLEND_X86
  if (blend.whole) return blend_value_whole(pixels, n, from, blend);
#endif
  clips(blend.factor) ? blend_pixels<true, false>(pixels, n, from, blend.factor)
                      : blend_pixels<false, false>(pixels, n, from, blend.factor);
}

void blend_grey(uint32_t* pixels, size_t n, const Blend& blend) {
#if HWY_TARGET == HWY_AVX3_DL
  return blend_grey_packed(pixels, n, blend.factor);
#elif POPAUG_BLEND_X86
  if (blend.whole) return blend_grey_whole(pixels, n, blend);
#endif
  clips(blend.factor) ? blend_pixels<true, true>(pixels, n, 0, blend.factor)
                      : blend_pixels<false, true>(pixels, n, 0, blend.factor);
}

const BlendKernels* kernels() {
  static const BlendKernels kKernels = {grey_sum, blend_value, blend_grey};
  return &kKernels;
}

#undef POPAUG_BLEND_X86
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
