// Table ops, histograms and the way from bytes to pixels. Plain twin: table_plain.cc.
#include <algorithm>
#include <cstring>

#include "popaug/augment/kernels_simd.h"

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/table_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::tables {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<uint32_t>;
#if HWY_TARGET != HWY_SCALAR
using D8 = hn::ScalableTag<uint8_t>;
#endif

void expand_rgb(const uint8_t* HWY_RESTRICT rgb, uint32_t* HWY_RESTRICT pixels, size_t n) {
  size_t i = 0;
#if HWY_TARGET == HWY_AVX3_DL
  alignas(64) uint8_t index[64];
  for (int k = 0; k < 64; ++k) index[k] = static_cast<uint8_t>(k % 4 == 3 ? 0 : k / 4 * 3 + k % 4);
  const __m512i order = _mm512_load_si512(index);
  const __m512i opaque = _mm512_set1_epi32(static_cast<int>(kOpaque));
  for (; i + 16 <= n; i += 16) {
    const __m512i in = _mm512_maskz_loadu_epi8(0xFFFFFFFFFFFFull, rgb + 3 * i);
    const __m512i out = _mm512_mask_permutexvar_epi8(opaque, 0x7777777777777777ull, order, in);
    _mm512_storeu_si512(pixels + i, out);
  }
#elif HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<uint8_t, 16> d;
  const hn::FixedTag<uint32_t, 4> d32;
  alignas(16) static constexpr uint8_t kOrder[16] = {0, 1, 2, 0, 3, 4,  5,  0,
                                                     6, 7, 8, 0, 9, 10, 11, 0};
  const auto order = hn::Load(d, kOrder);
  const auto colours = hn::Set(d32, ~kOpaque);
  const auto opaque = hn::Set(d32, kOpaque);
  for (; 3 * i + 16 <= 3 * n; i += 4) {
    const auto v = hn::BitCast(d32, hn::TableLookupBytes(hn::LoadU(d, rgb + 3 * i), order));
    hn::StoreU(hn::Or(hn::And(v, colours), opaque), d32, pixels + i);
  }
#endif
  for (; i < n; ++i) {
    const uint8_t* p = rgb + 3 * i;
    pixels[i] = kOpaque | uint32_t{p[2]} << 16 | uint32_t{p[1]} << 8 | p[0];
  }
}

void expand_grey(const uint8_t* HWY_RESTRICT grey, uint32_t* HWY_RESTRICT pixels, size_t n) {
  const D32 d;
  const hn::Rebind<uint8_t, D32> d8;
  const size_t lanes = hn::Lanes(d);
  const auto spread = hn::Set(d, 0x010101u);
  const auto opaque = hn::Set(d, kOpaque);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::PromoteTo(d, hn::LoadU(d8, grey + i));
    hn::StoreU(hn::Or(hn::Mul(v, spread), opaque), d, pixels + i);
  }
  for (; i < n; ++i) pixels[i] = kOpaque | grey[i] * 0x010101u;
}

#if HWY_TARGET == HWY_AVX3_DL
// A table of 256 bytes in four registers.
struct Table {
  __m512i part[4];
  explicit Table(const uint8_t* table) {
    for (int k = 0; k < 4; ++k) part[k] = _mm512_loadu_si512(table + 64 * k);
  }
  HWY_INLINE __m512i operator()(__m512i index) const {
    const __m512i low = _mm512_permutex2var_epi8(part[0], index, part[1]);
    const __m512i high = _mm512_permutex2var_epi8(part[2], index, part[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
  }
};
constexpr uint64_t kAlphaBytes = 0x8888888888888888ull;
#endif

void table1(uint32_t* HWY_RESTRICT pixels, size_t n, const uint8_t* HWY_RESTRICT table,
            uint32_t alpha_bits) {
#if HWY_TARGET == HWY_AVX3_DL
  const Table map(table);
  const __m512i alpha = _mm512_set1_epi32(static_cast<int>(alpha_bits));
  for (size_t i = 0; i < n; i += 16) {
    const __m512i v = _mm512_loadu_si512(pixels + i);
    const __m512i kept = _mm512_or_si512(v, alpha);
    _mm512_storeu_si512(pixels + i, _mm512_mask_blend_epi8(kAlphaBytes, map(v), kept));
  }
#else
  for (size_t i = 0; i < n; ++i) {
    const uint32_t v = pixels[i];
    pixels[i] = (v & kOpaque) | alpha_bits | table[v & 255] | uint32_t{table[v >> 8 & 255]} << 8 |
                uint32_t{table[v >> 16 & 255]} << 16;
  }
#endif
}

void table3(uint32_t* HWY_RESTRICT pixels, size_t n, const uint8_t* HWY_RESTRICT tables,
            uint32_t alpha_bits) {
#if HWY_TARGET == HWY_AVX3_DL
  const Table red(tables), green(tables + 256), blue(tables + 512);
  const __m512i alpha = _mm512_set1_epi32(static_cast<int>(alpha_bits));
  for (size_t i = 0; i < n; i += 16) {
    const __m512i v = _mm512_loadu_si512(pixels + i);
    const __m512i kept = _mm512_or_si512(v, alpha);
    __m512i out = _mm512_mask_blend_epi8(kAlphaBytes >> 2, red(v), green(v));
    out = _mm512_mask_blend_epi8(kAlphaBytes >> 1, out, blue(v));
    _mm512_storeu_si512(pixels + i, _mm512_mask_blend_epi8(kAlphaBytes, out, kept));
  }
#else
  for (size_t i = 0; i < n; ++i) {
    const uint32_t v = pixels[i];
    pixels[i] = (v & kOpaque) | alpha_bits | tables[v & 255] |
                uint32_t{tables[256 + (v >> 8 & 255)]} << 8 |
                uint32_t{tables[512 + (v >> 16 & 255)]} << 16;
  }
#endif
}

void bits(uint32_t* HWY_RESTRICT pixels, size_t n, uint8_t keep, uint8_t flip) {
  const D32 d;
  const size_t lanes = hn::Lanes(d);
  const auto kept = hn::Set(d, keep * 0x010101u);
  const auto flipped = hn::Set(d, flip * 0x010101u | kOpaque);  // alpha was cleared by `kept`
  for (size_t i = 0; i < n; i += lanes) {
    hn::StoreU(hn::Xor(hn::And(hn::LoadU(d, pixels + i), kept), flipped), d, pixels + i);
  }
}

#if HWY_TARGET == HWY_SCALAR  // one lane: no vector of the four bytes of a pixel
void solarize(uint32_t* HWY_RESTRICT pixels, size_t n, int threshold) {
  auto* bytes = reinterpret_cast<uint8_t*>(pixels);
  for (size_t i = 0; i < 4 * n; ++i) {
    if (i % 4 == 3) {
      bytes[i] = 255;
    } else if (bytes[i] >= threshold) {
      bytes[i] = static_cast<uint8_t>(255 - bytes[i]);
    }
  }
}

void extrema(const uint32_t* HWY_RESTRICT pixels, size_t n, uint8_t low[4], uint8_t high[4]) {
  for (int c = 0; c < 4; ++c) {
    low[c] = 255;
    high[c] = 0;
    for (size_t k = 0; k < n; ++k) {
      const auto v = static_cast<uint8_t>(pixels[k] >> (8 * c));
      low[c] = std::min(low[c], v);
      high[c] = std::max(high[c], v);
    }
  }
}
#else
void solarize(uint32_t* HWY_RESTRICT pixels, size_t n, int threshold) {
  const D8 d;
  const D32 d32;
  const size_t lanes = hn::Lanes(d32);
  const auto all = hn::Set(d, 255);
  const auto limit = hn::Set(d, static_cast<uint8_t>(std::min(threshold, 255)));
  const auto opaque = hn::Set(d32, kOpaque);
  // Threshold 256 inverts nothing, not even 255.
  const auto flip = threshold > 255 ? hn::Zero(d) : all;
  for (size_t i = 0; i < n; i += lanes) {
    const auto v = hn::BitCast(d, hn::LoadU(d32, pixels + i));
    // v >= limit where max(v, limit) is v.
    const auto reached = hn::VecFromMask(d, hn::Eq(hn::Max(v, limit), v));
    const auto out = hn::Xor(v, hn::And(reached, flip));
    hn::StoreU(hn::Or(hn::BitCast(d32, out), opaque), d32, pixels + i);
  }
}

void extrema(const uint32_t* HWY_RESTRICT pixels, size_t n, uint8_t low[4], uint8_t high[4]) {
  const D8 d;
  const D32 d32;
  const size_t lanes = hn::Lanes(d32);
  auto least = hn::Set(d, 255);
  auto most = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::BitCast(d, hn::LoadU(d32, pixels + i));
    least = hn::Min(least, v);
    most = hn::Max(most, v);
  }
  HWY_ALIGN uint8_t all_low[HWY_MAX_BYTES];
  HWY_ALIGN uint8_t all_high[HWY_MAX_BYTES];
  hn::Store(least, d, all_low);
  hn::Store(most, d, all_high);
  for (size_t c = 0; c < 4; ++c) {
    low[c] = 255;
    high[c] = 0;
    for (size_t k = c; k < hn::Lanes(d); k += 4) {
      low[c] = std::min(low[c], all_low[k]);
      high[c] = std::max(high[c], all_high[k]);
    }
    for (size_t k = i; k < n; ++k) {
      const auto v = static_cast<uint8_t>(pixels[k] >> (8 * c));
      low[c] = std::min(low[c], v);
      high[c] = std::max(high[c], v);
    }
  }
}

#endif  // HWY_SCALAR

void auto_contrast_table(int low, int high, uint8_t* HWY_RESTRICT table) {
  const double scale = 255.0 / (high - low);
  const double offset = -low * scale;
  const hn::ScalableTag<double> d;
  const hn::Rebind<int32_t, decltype(d)> d32;
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN int32_t values[HWY_MAX_BYTES];
  // Only low..high occur in the image, and they map to 0..255 but for rounding at the ends.
  for (size_t i = 0; i < 256; i += lanes) {
    const auto index = hn::PromoteTo(d, hn::Iota(d32, static_cast<int32_t>(i)));
    const auto v = hn::Add(hn::Mul(index, hn::Set(d, scale)), hn::Set(d, offset));
    hn::Store(hn::DemoteTo(d32, v), d32, values);
    for (size_t k = 0; k < lanes; ++k) {
      table[i + k] = static_cast<uint8_t>(std::clamp(values[k], 0, 255));
    }
  }
}

// sums[i] = counts[0] + ... + counts[i - 1], for three channels in step: their chains of additions
// do not wait for each other.
HWY_INLINE void running_sums(const uint32_t* HWY_RESTRICT counts, uint32_t* HWY_RESTRICT sums) {
  uint32_t red = 0, green = 0, blue = 0;
  for (int i = 0; i < 256; ++i) {
    sums[i] = red;
    sums[256 + i] = green;
    sums[512 + i] = blue;
    red += counts[i];
    green += counts[256 + i];
    blue += counts[512 + i];
  }
}

void equalize_table(const uint32_t* HWY_RESTRICT counts, const uint32_t* HWY_RESTRICT sums,
                    uint8_t* HWY_RESTRICT table) {
  int last = 255;
  while (last > 0 && counts[last] == 0) --last;
  // Occupied bins but the last: what stands below the last one.
  const uint32_t step = sums[last] / 255;
  if (step == 0) {
    for (int i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(i);
    return;
  }
  if (sums[255] + counts[255] >= 1u << 24) {  // beyond what float32 divides exactly
    for (int i = 0; i < 256; ++i) {
      table[i] = static_cast<uint8_t>(std::min<uint32_t>((sums[i] + step / 2) / step, 255));
    }
    return;
  }
  // Below 2^24 the rounded quotient never reaches the next integer: truncation is exact.
  const hn::ScalableTag<float> d;
  const hn::Rebind<int32_t, decltype(d)> d32;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  const auto divisor = hn::Set(d, static_cast<float>(step));
  const auto half = hn::Set(d32, static_cast<int32_t>(step / 2));
  for (size_t i = 0; i < 256; i += hn::Lanes(d)) {
    const auto sum = hn::Add(hn::BitCast(d32, hn::Load(D32(), sums + i)), half);
    const auto quotient = hn::ConvertTo(d32, hn::Div(hn::ConvertTo(d, sum), divisor));
    hn::StoreU(hn::DemoteTo(d8, quotient), d8, table + i);
  }
}

void equalize_tables(const uint32_t* HWY_RESTRICT counts, uint8_t* HWY_RESTRICT tables) {
  HWY_ALIGN uint32_t sums[3 * 256];
  running_sums(counts, sums);
  for (int c = 0; c < 3; ++c) equalize_table(counts + 256 * c, sums + 256 * c, tables + 256 * c);
}

void blend_table(uint8_t from, float factor, uint8_t* HWY_RESTRICT table) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<int32_t, decltype(d)> d32;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  const auto base = hn::Set(d, static_cast<float>(from));
  const auto f = hn::Set(d, factor);
  const auto zero = hn::Zero(d);
  const auto most = hn::Set(d, 255.0f);
  for (size_t i = 0; i < 256; i += hn::Lanes(d)) {
    const auto to = hn::ConvertTo(d, hn::Iota(d32, static_cast<int32_t>(i)));
    const auto v = hn::Add(base, hn::Mul(f, hn::Sub(to, base)));
    const auto clipped = hn::Min(hn::Max(v, zero), most);
    hn::StoreU(hn::DemoteTo(d8, hn::ConvertTo(d32, clipped)), d8, table + i);
  }
}

void histogram(const uint32_t* HWY_RESTRICT pixels, size_t n, uint32_t* HWY_RESTRICT counts,
               uint32_t* HWY_RESTRICT scratch) {
  // Two sets of bins, so that equal neighbours do not wait for each other's increment.
  std::memset(counts, 0, 768 * sizeof(uint32_t));
  std::memset(scratch, 0, 768 * sizeof(uint32_t));
  size_t i = 0;
  for (; i + 2 <= n; i += 2) {
    const uint32_t a = pixels[i], b = pixels[i + 1];
    ++counts[a & 255];
    ++scratch[b & 255];
    ++counts[256 + (a >> 8 & 255)];
    ++scratch[256 + (b >> 8 & 255)];
    ++counts[512 + (a >> 16 & 255)];
    ++scratch[512 + (b >> 16 & 255)];
  }
  if (i < n) {
    ++counts[pixels[i] & 255];
    ++counts[256 + (pixels[i] >> 8 & 255)];
    ++counts[512 + (pixels[i] >> 16 & 255)];
  }
  const D32 d;
  for (i = 0; i < 768; i += hn::Lanes(d)) {
    hn::StoreU(hn::Add(hn::LoadU(d, counts + i), hn::LoadU(d, scratch + i)), d, counts + i);
  }
}

const TableKernels* kernels() {
  static const TableKernels kKernels = {hwy::TargetName(HWY_TARGET),
                                        HWY_TARGET == HWY_AVX3_DL,
                                        expand_rgb,
                                        expand_grey,
                                        table1,
                                        table3,
                                        bits,
                                        solarize,
                                        extrema,
                                        auto_contrast_table,
                                        equalize_tables,
                                        blend_table,
                                        histogram};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::tables
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::simd {
namespace tables {
HWY_EXPORT(kernels);
const TableKernels& best() { return *HWY_DYNAMIC_DISPATCH(kernels)(); }
}  // namespace tables
const TableKernels& table_kernels() { return tables::best(); }
}  // namespace popaug::simd
#endif
