// Table ops and histograms. Plain twin: table_plain.cc.
#include "popaug/augment/internal/table_simd.h"

#include <algorithm>
#include <cstring>

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/internal/table_simd.cc"
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
#elif HWY_TARGET == HWY_AVX2
// 32 bytes through a table of 256: all sixteen rows of 16 bytes by the low half of each byte, then
// of each two rows the right one by bit 4, of those by bit 5, 6 and 7 (a blend looks at bit 7).
struct Table {
  const uint8_t* table;

  struct Index {
    __m256i low, bit[4];  // bit[k]: bit 4 + k on top
  };
  template <int kBit>
  HWY_INLINE __m256i rows(const Index& index, int first) const {
    if constexpr (kBit < 0) {
      const auto* row = reinterpret_cast<const __m128i*>(table + 16 * first);
      return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(row)), index.low);
    } else {
      const __m256i clear = rows<kBit - 1>(index, first);
      const __m256i set = rows<kBit - 1>(index, first + (1 << kBit));
      return _mm256_blendv_epi8(clear, set, index.bit[kBit]);
    }
  }
  HWY_INLINE __m256i operator()(__m256i v) const {
    const __m256i bit6 = _mm256_add_epi8(v, v), bit5 = _mm256_add_epi8(bit6, bit6);
    const Index index = {_mm256_and_si256(v, _mm256_set1_epi8(15)),
                         {_mm256_add_epi8(bit5, bit5), bit5, bit6, v}};
    return rows<3>(index, 0);
  }
};
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
#elif HWY_TARGET == HWY_AVX2
  const Table red{tables}, green{tables + 256}, blue{tables + 512};
  const __m256i alpha = _mm256_set1_epi8(static_cast<char>(alpha_bits >> 24));
  // In each half of a vector: four of each channel next to each other, and back.
  const __m256i order = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  for (size_t i = 0; i < n; i += 32) {
    auto* at = reinterpret_cast<__m256i*>(pixels + i);
    const __m256i a = _mm256_shuffle_epi8(_mm256_loadu_si256(at), order);
    const __m256i b = _mm256_shuffle_epi8(_mm256_loadu_si256(at + 1), order);
    const __m256i c = _mm256_shuffle_epi8(_mm256_loadu_si256(at + 2), order);
    const __m256i d = _mm256_shuffle_epi8(_mm256_loadu_si256(at + 3), order);
    const __m256i rg_ab = _mm256_unpacklo_epi32(a, b), ba_ab = _mm256_unpackhi_epi32(a, b);
    const __m256i rg_cd = _mm256_unpacklo_epi32(c, d), ba_cd = _mm256_unpackhi_epi32(c, d);
    const __m256i r = red(_mm256_unpacklo_epi64(rg_ab, rg_cd));
    const __m256i g = green(_mm256_unpackhi_epi64(rg_ab, rg_cd));
    const __m256i l = blue(_mm256_unpacklo_epi64(ba_ab, ba_cd));
    const __m256i o = _mm256_or_si256(_mm256_unpackhi_epi64(ba_ab, ba_cd), alpha);
    const __m256i rg_low = _mm256_unpacklo_epi8(r, g), rg_high = _mm256_unpackhi_epi8(r, g);
    const __m256i ba_low = _mm256_unpacklo_epi8(l, o), ba_high = _mm256_unpackhi_epi8(l, o);
    _mm256_storeu_si256(at, _mm256_unpacklo_epi16(rg_low, ba_low));
    _mm256_storeu_si256(at + 1, _mm256_unpackhi_epi16(rg_low, ba_low));
    _mm256_storeu_si256(at + 2, _mm256_unpacklo_epi16(rg_high, ba_high));
    _mm256_storeu_si256(at + 3, _mm256_unpackhi_epi16(rg_high, ba_high));
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
  HWY_ALIGN int32_t values[256 + HWY_MAX_BYTES / 4];
  // Only low..high occur in the image, and they map to 0..255 but for rounding at the ends.
  const size_t first = static_cast<size_t>(low) / 16 * 16;
  const size_t end = static_cast<size_t>(high) / 16 * 16 + 16;
  for (size_t i = first; i < end; i += lanes) {
    const auto index = hn::PromoteTo(d, hn::Iota(d32, static_cast<int32_t>(i)));
    const auto v = hn::Add(hn::Mul(index, hn::Set(d, scale)), hn::Set(d, offset));
    hn::StoreU(hn::DemoteTo(d32, v), d32, values + i);
  }
  const hn::CappedTag<int32_t, 16> all;
  const hn::Rebind<uint8_t, decltype(all)> bytes;
  for (size_t i = first; i < end; i += hn::Lanes(all)) {  // clips
    hn::StoreU(hn::DemoteTo(bytes, hn::LoadU(all, values + i)), bytes, table + i);
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
  // The pixels in all occupied bins except the last one.
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

// Adds the histograms of up to kMostCounted pixels. Four sets of bins, so that equal neighbours do
// not wait for each other's increment; of 16 bits, so that they stay small. What is left is one
// store for each increment. So two pixels are loaded at once, and their bytes are taken from the
// lowest 16 bits, which costs no mask.
constexpr size_t kSets = 4, kBins = 3 * 256;
constexpr size_t kMostCounted = kSets * 65000;
void add_histogram(const uint32_t* HWY_RESTRICT pixels, size_t n, uint32_t* HWY_RESTRICT counts) {
  HWY_ALIGN uint16_t bins[kSets][kBins];
  std::memset(bins, 0, sizeof(bins));
  const auto count_two = [pixels](size_t i, uint16_t* one, uint16_t* two) {
    uint64_t v;
    std::memcpy(&v, pixels + i, sizeof(v));
    ++one[v & 255];
    ++one[256 + (v >> 8 & 255)];
    v >>= 16;
    ++one[512 + (v & 255)];
    v >>= 16;
    ++two[v & 255];
    ++two[256 + (v >> 8 & 255)];
    v >>= 16;
    ++two[512 + (v & 255)];
  };
  size_t i = 0;
  for (; i + kSets <= n; i += kSets) {
    count_two(i, bins[0], bins[1]);
    count_two(i + 2, bins[2], bins[3]);
  }
  for (; i < n; ++i) {
    ++bins[0][pixels[i] & 255];
    ++bins[0][256 + (pixels[i] >> 8 & 255)];
    ++bins[0][512 + (pixels[i] >> 16 & 255)];
  }
  const D32 d;
  const hn::Rebind<uint16_t, D32> d16;
  for (i = 0; i < kBins; i += hn::Lanes(d)) {
    auto sum = hn::LoadU(d, counts + i);
    for (const uint16_t* set : bins) sum = hn::Add(sum, hn::PromoteTo(d, hn::Load(d16, set + i)));
    hn::StoreU(sum, d, counts + i);
  }
}

void histogram(const uint32_t* HWY_RESTRICT pixels, size_t n, uint32_t* HWY_RESTRICT counts) {
  std::memset(counts, 0, kBins * sizeof(uint32_t));
  for (size_t i = 0; i < n; i += kMostCounted) {
    add_histogram(pixels + i, std::min(n - i, kMostCounted), counts);
  }
}

const TableKernels* kernels() {
  static const TableKernels kKernels = {hwy::TargetName(HWY_TARGET),
                                        HWY_TARGET == HWY_AVX3_DL,
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
