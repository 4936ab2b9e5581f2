// Bytes to pixels, pixels through the base transforms, and pixels to bytes again. Plain twins:
// augmenter_plain.cc.
#include "popaug/augment/internal/pixels_simd.h"

#include <algorithm>
#include <cstring>

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/internal/pixels_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::pixels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<uint32_t>;
using DI32 = hn::ScalableTag<int32_t>;
using V32 = hn::Vec<D32>;
using D8 = hn::ScalableTag<uint8_t>;
using V8 = hn::Vec<D8>;

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
#elif HWY_TARGET == HWY_AVX2
  const hn::FixedTag<uint8_t, 16> half;
  const D8 d;
  alignas(16) static constexpr uint8_t kOrder[16] = {0, 1, 2, 128, 3, 4,  5,  128,
                                                     6, 7, 8, 128, 9, 10, 11, 128};
  const auto order = hn::LoadDup128(d, kOrder);
  const auto opaque = hn::Set(D32(), kOpaque);
  for (; 3 * i + 28 <= 3 * n; i += 8) {
    const auto low = hn::LoadU(half, rgb + 3 * i), high = hn::LoadU(half, rgb + 3 * i + 12);
    const auto v = hn::TableLookupBytesOr0(hn::Combine(d, high, low), order);
    hn::StoreU(hn::Or(hn::BitCast(D32(), v), opaque), D32(), pixels + i);
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

// Loads the pixels of output columns x.. of a row whose column 0 shows `line[dx]` (or, flipped,
// column width - 1 does): columns outside the source are holes. Reads up to a vector beside the
// row.
struct RowLoader {
  D32 d;
  DI32 di;
  int width, dx;
  bool flip;

  HWY_INLINE V32 operator()(const uint32_t* line, int x) const {
    const int lanes = static_cast<int>(hn::Lanes(d));
    // Source column of lane 0 (unflipped), or of the last lane (flipped).
    const int first = flip ? width - x - lanes + dx : x + dx;
    if (first >= 0 && first + lanes <= width) {
      const auto v = hn::LoadU(d, line + first);
      return flip ? hn::Reverse(d, v) : v;
    }
    if (first >= width || first <= -lanes) return hn::Zero(d);
    const auto v = hn::LoadU(d, line + first);
    const auto column = hn::BitCast(d, hn::Iota(di, first));
    const auto inside = hn::Lt(column, hn::Set(d, static_cast<uint32_t>(width)));
    const auto kept = hn::IfThenElseZero(inside, v);
    return flip ? hn::Reverse(d, kept) : kept;
  }
};

void crop_pixels(const uint32_t* HWY_RESTRICT pixels, int width, int height, const Crop& crop,
                 uint32_t* HWY_RESTRICT out) {
  const D32 d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const RowLoader load{d, DI32(), width, crop.dx, crop.flip};
  for (int y = 0; y < height; ++y) {
    const int from = crop.row_of(y, height);
    uint32_t* target = out + ptrdiff_t{1} * y * width;
    if (from < 0 || from >= height) {
      std::memset(target, 0, sizeof(uint32_t) * width);
      continue;
    }
    const uint32_t* line = pixels + ptrdiff_t{1} * from * width;
    for (int x = 0; x < width; x += lanes) hn::StoreU(load(line, x), d, target + x);
    const Rectangle& cut = crop.cut;
    if (y >= cut.top && y < cut.bottom) std::fill(target + cut.left, target + cut.right, 0u);
  }
}

// Blocks of four rows and four columns are transposed in registers; the rest pixel by pixel.
void transpose(const uint32_t* HWY_RESTRICT pixels, int side, uint32_t* HWY_RESTRICT out) {
  const ptrdiff_t row = side;
  int whole = 0;  // rows and columns that blocks cover
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<uint32_t, 4> d;
  const hn::FixedTag<uint64_t, 2> pairs;
  whole = side / 4 * 4;
  for (int y = 0; y < whole; y += 4) {
    for (int x = 0; x < whole; x += 4) {
      const uint32_t* from = pixels + y * row + x;
      const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + row);
      const auto c = hn::LoadU(d, from + 2 * row), e = hn::LoadU(d, from + 3 * row);
      // Columns 0 and 1, then 2 and 3, of two rows each.
      const auto ab0 = hn::BitCast(pairs, hn::InterleaveLower(d, a, b));
      const auto ab2 = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b));
      const auto ce0 = hn::BitCast(pairs, hn::InterleaveLower(d, c, e));
      const auto ce2 = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));
      uint32_t* to = out + x * row + y;
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab0, ce0)), d, to);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab0, ce0)), d, to + row);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab2, ce2)), d, to + 2 * row);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab2, ce2)), d, to + 3 * row);
    }
  }
#endif
  for (int y = 0; y < side; ++y) {
    for (int x = y < whole ? whole : 0; x < side; ++x) out[x * row + y] = pixels[y * row + x];
  }
}

// Two of the four bytes of each pixel at a time, 16 bits apart: no product or sum leaves its 16
// bits.
void blend(uint32_t* HWY_RESTRICT pixels, const uint32_t* HWY_RESTRICT others, size_t n, int weight,
           uint32_t hole) {
  const D32 d;
  const auto own = hn::Set(d, static_cast<uint32_t>(weight));
  const auto rest = hn::Set(d, static_cast<uint32_t>(256 - weight));
  const auto even = hn::Set(d, 0x00FF00FFu), half = hn::Set(d, 0x00800080u);
  const auto colour = hn::Set(d, hole);
  const auto mixed = [&](V32 a, V32 b) {
    return hn::Add(hn::Add(hn::Mul(hn::And(a, even), own), hn::Mul(hn::And(b, even), rest)), half);
  };
  const auto store = [&](V32 a, V32 b, uint32_t* to) {
    const auto hole_a = hn::Eq(hn::ShiftRight<24>(a), hn::Zero(d));
    const auto hole_b = hn::Eq(hn::ShiftRight<24>(b), hn::Zero(d));
    const auto x = hn::IfThenElse(hole_a, colour, a), y = hn::IfThenElse(hole_b, colour, b);
    const auto low = hn::And(hn::ShiftRight<8>(mixed(x, y)), even);
    const auto high = hn::AndNot(even, mixed(hn::ShiftRight<8>(x), hn::ShiftRight<8>(y)));
    hn::StoreU(hn::IfThenZeroElse(hn::And(hole_a, hole_b), hn::Or(low, high)), d, to);
  };
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    store(hn::LoadU(d, pixels + i), hn::LoadU(d, others + i), pixels + i);
  }
  if (i == n) return;
  HWY_ALIGN uint32_t first[HWY_MAX_BYTES / 4] = {}, second[HWY_MAX_BYTES / 4] = {};
  std::memcpy(first, pixels + i, sizeof(uint32_t) * (n - i));
  std::memcpy(second, others + i, sizeof(uint32_t) * (n - i));
  store(hn::Load(d, first), hn::Load(d, second), first);
  std::memcpy(pixels + i, first, sizeof(uint32_t) * (n - i));
}

// The three colours of a vector's worth of pixels, `hole` where alpha is 0.
struct Colours {
  V8 red, green, blue;
};
HWY_INLINE Colours colours_of(const uint32_t* pixels, const uint8_t* hole) {
  const D8 d;
  V8 red, green, blue, alpha;
  hn::LoadInterleaved4(d, reinterpret_cast<const uint8_t*>(pixels), red, green, blue, alpha);
  const auto empty = hn::Eq(alpha, hn::Zero(d));
  return {hn::IfThenElse(empty, hn::Set(d, hole[0]), red),
          hn::IfThenElse(empty, hn::Set(d, hole[1]), green),
          hn::IfThenElse(empty, hn::Set(d, hole[2]), blue)};
}

void byte_triples(const uint32_t* HWY_RESTRICT pixels, size_t n, const uint8_t* hole,
                  uint8_t* HWY_RESTRICT out) {
  const D8 d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Colours v = colours_of(pixels + i, hole);
    hn::StoreInterleaved3(v.red, v.green, v.blue, d, out + 3 * i);
  }
  if (i < n) {
    const Colours v = colours_of(pixels + i, hole);
    HWY_ALIGN uint8_t rest[3 * HWY_MAX_BYTES];
    hn::StoreInterleaved3(v.red, v.green, v.blue, d, rest);
    std::memcpy(out + 3 * i, rest, 3 * (n - i));
  }
}

HWY_INLINE void store_bytes(V8 v, uint8_t* to, size_t count) {
  const D8 d;
  if (count >= hn::Lanes(d)) return hn::StoreU(v, d, to);
  HWY_ALIGN uint8_t rest[HWY_MAX_BYTES];
  hn::Store(v, d, rest);
  std::memcpy(to, rest, count);
}

void byte_planes(const uint32_t* HWY_RESTRICT pixels, size_t n, const uint8_t* hole, int channels,
                 uint8_t* HWY_RESTRICT out, ptrdiff_t plane) {
  const D8 d;
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const Colours v = colours_of(pixels + i, hole);
    store_bytes(v.red, out + i, n - i);
    if (channels == 1) continue;
    store_bytes(v.green, out + i + plane, n - i);
    store_bytes(v.blue, out + i + 2 * plane, n - i);
  }
}

const PixelKernels* kernels() {
  static const PixelKernels kKernels = {expand_rgb, expand_grey,  crop_pixels, transpose,
                                        blend,      byte_triples, byte_planes};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::pixels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::simd {
namespace pixels {
HWY_EXPORT(kernels);
const PixelKernels& best() { return *HWY_DYNAMIC_DISPATCH(kernels)(); }
}  // namespace pixels
const PixelKernels& pixel_kernels() { return pixels::best(); }
}  // namespace popaug::simd
#endif
