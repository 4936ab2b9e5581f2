// Crop, flip and the way from bytes to normalised float32, in one pass; or to bytes again. Plain
// twins: augmenter_plain.cc.
#include <algorithm>
#include <cstring>

#include "popaug/augment/kernels_simd.h"

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/output_simd.cc"
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::output {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<uint32_t>;
using DI32 = hn::ScalableTag<int32_t>;
using DF = hn::ScalableTag<float>;
using V32 = hn::Vec<D32>;
using VF = hn::Vec<DF>;

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

HWY_INLINE hn::Mask<DF> is_hole(V32 v) {
  const D32 d;
  return hn::RebindMask(DF(), hn::Eq(hn::ShiftRight<24>(v), hn::Zero(d)));
}

// One channel of lanes of pixels, shifted down to the low byte.
HWY_INLINE VF scaled(V32 byte, VF scale, VF offset) {
  const DF df;
  return hn::Add(hn::Mul(hn::ConvertTo(df, hn::BitCast(DI32(), byte)), scale), offset);
}

// The floats of one channel (the byte of `v` from bit kShift on) of output columns x..
template <int kShift>
HWY_INLINE void store_channel(V32 v, hn::Mask<DF> hole, VF scale, VF offset, float* to, int count) {
  const D32 d;
  const DF df;
  const auto byte = hn::And(hn::ShiftRight<kShift>(v), hn::Set(d, 255u));
  const auto result = hn::IfThenZeroElse(hole, scaled(byte, scale, offset));
  if (count >= static_cast<int>(hn::Lanes(d))) {
    hn::StoreU(result, df, to);
  } else {
    HWY_ALIGN float rest[HWY_MAX_BYTES / 4];
    hn::Store(result, df, rest);
    std::memcpy(to, rest, sizeof(float) * count);
  }
}

template <int kChannels>
HWY_INLINE void planes_of(const uint32_t* HWY_RESTRICT pixels, int width, int height,
                          const Crop& crop, const ChannelScale& scale, float* HWY_RESTRICT out,
                          ptrdiff_t plane, ptrdiff_t row) {
  const D32 d;
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const RowLoader load{d, DI32(), width, crop.dx, crop.flip};
  const auto scale0 = hn::Set(df, scale.scale[0]), offset0 = hn::Set(df, scale.offset[0]);
  const auto scale1 = hn::Set(df, scale.scale[1]), offset1 = hn::Set(df, scale.offset[1]);
  const auto scale2 = hn::Set(df, scale.scale[2]), offset2 = hn::Set(df, scale.offset[2]);
  for (int y = 0; y < height; ++y) {
    const int from = y + crop.dy;
    float* target = out + y * row;
    if (from < 0 || from >= height) {
      for (int c = 0; c < kChannels; ++c) std::memset(target + c * plane, 0, sizeof(float) * width);
      continue;
    }
    const uint32_t* line = pixels + ptrdiff_t{1} * from * width;
    for (int x = 0; x < width; x += lanes) {
      const auto v = load(line, x);
      const auto hole = is_hole(v);
      float* to = target + x;
      store_channel<0>(v, hole, scale0, offset0, to, width - x);
      if (kChannels == 1) continue;
      store_channel<8>(v, hole, scale1, offset1, to + plane, width - x);
      store_channel<16>(v, hole, scale2, offset2, to + 2 * plane, width - x);
    }
  }
}

void planes(const uint32_t* pixels, int width, int height, const Crop& crop,
            const ChannelScale& scale, int channels, float* out, ptrdiff_t plane, ptrdiff_t row) {
  channels == 1 ? planes_of<1>(pixels, width, height, crop, scale, out, plane, row)
                : planes_of<3>(pixels, width, height, crop, scale, out, plane, row);
}

// Interleaved floats of lanes of pixels: float e is channel e % 3 of pixel e / 3. Vector k of three
// takes entries k * lanes onwards, so one table serves every width.
struct InterleaveTables {
  alignas(64) int32_t pixel[48];
  alignas(64) uint32_t shift[48];
  alignas(64) uint8_t order[192];  // the channel's byte and, above it, three times the alpha
};
constexpr InterleaveTables interleave_tables() {
  InterleaveTables t{};
  for (int e = 0; e < 48; ++e) {
    t.pixel[e] = e / 3;
    t.shift[e] = static_cast<uint32_t>(8 * (e % 3));
    for (int b = 0; b < 4; ++b) {
      t.order[4 * e + b] = static_cast<uint8_t>(4 * (e / 3) + (b == 0 ? e % 3 : 3));
    }
  }
  return t;
}
constexpr InterleaveTables kInterleave = interleave_tables();

#if HWY_TARGET == HWY_AVX3_DL
// Whether any of the pixels is a hole.
HWY_INLINE bool has_hole(V32 v) {
  return _mm512_test_epi32_mask(v.raw, _mm512_set1_epi32(static_cast<int>(kOpaque))) != 0xFFFF;
}
#endif

// Makes vector k of the three.
class Third {
 public:
  Third(const ChannelScale& s, int k) {
    const D32 d;
    const size_t at = static_cast<size_t>(k) * hn::Lanes(d);
#if HWY_TARGET == HWY_AVX3_DL
    order_ = _mm512_load_si512(kInterleave.order + 4 * at);
#else
    pixel_ = kInterleave.pixel + at;
    shift_ = hn::Load(d, kInterleave.shift + at);
#endif
    scale_ = hn::Load(DF(), s.repeated_scale + at);
    offset_ = hn::Load(DF(), s.repeated_offset + at);
  }

  HWY_INLINE VF operator()(V32 v) const {
#if HWY_TARGET == HWY_AVX3_DL
    const __m512i picked = _mm512_permutexvar_epi8(order_, v.raw);
    const __mmask16 solid = _mm512_test_epi32_mask(picked, _mm512_set1_epi32(-256));
    const __m512i value = _mm512_and_si512(picked, _mm512_set1_epi32(255));
    const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(value), scale_.raw);
    return VF{_mm512_maskz_add_ps(solid, product, offset_.raw)};
#else
    const D32 d;
    const auto spread = hn::TableLookupLanes(v, hn::SetTableIndices(d, pixel_));
    const auto value = hn::And(hn::Shr(spread, shift_), hn::Set(d, 255u));
    return hn::IfThenZeroElse(is_hole(spread), scaled(value, scale_, offset_));
#endif
  }

#if HWY_TARGET == HWY_AVX3_DL
  // The same for pixels without a hole.
  HWY_INLINE VF solid(V32 v) const {
    const __m512i value = _mm512_maskz_permutexvar_epi8(0x1111111111111111ull, order_, v.raw);
    const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(value), scale_.raw);
    return VF{_mm512_add_ps(product, offset_.raw)};
  }
#endif

 private:
#if HWY_TARGET == HWY_AVX3_DL
  __m512i order_;
#else
  const int32_t* pixel_;
  V32 shift_;
#endif
  VF scale_, offset_;
};

// From this many pixels on, a batch outgrows the caches, and floats that pass by them spare reading
// the lines that are about to be overwritten.
constexpr int kStreamPixels = 96 * 96;

template <bool kStream>
HWY_INLINE void store(VF v, float* to) {
  kStream ? hn::Stream(v, DF(), to) : hn::StoreU(v, DF(), to);
}

template <bool kStream>
HWY_INLINE void interleaved_of(const uint32_t* HWY_RESTRICT pixels, int width, int height,
                               const Crop& crop, const ChannelScale& scale, float* HWY_RESTRICT out,
                               ptrdiff_t row) {
  const D32 d;
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const RowLoader load{d, DI32(), width, crop.dx, crop.flip};
  const Third first(scale, 0), second(scale, 1), third(scale, 2);
  for (int y = 0; y < height; ++y) {
    const int from = y + crop.dy;
    float* target = out + y * row;
    if (from < 0 || from >= height) {
      std::memset(target, 0, sizeof(float) * 3 * width);
      continue;
    }
    const uint32_t* line = pixels + ptrdiff_t{1} * from * width;
    int x = 0;
    for (; x + lanes <= width; x += lanes) {
      const auto v = load(line, x);
      float* to = target + 3 * x;
#if HWY_TARGET == HWY_AVX3_DL
      if (!has_hole(v)) [[likely]] {
        store<kStream>(first.solid(v), to);
        store<kStream>(second.solid(v), to + lanes);
        store<kStream>(third.solid(v), to + 2 * lanes);
        continue;
      }
#endif
      store<kStream>(first(v), to);
      store<kStream>(second(v), to + lanes);
      store<kStream>(third(v), to + 2 * lanes);
    }
    if (x < width) {
      const auto v = load(line, x);
      HWY_ALIGN float rest[3 * HWY_MAX_BYTES / 4];
      hn::StoreU(first(v), df, rest);
      hn::StoreU(second(v), df, rest + lanes);
      hn::StoreU(third(v), df, rest + 2 * lanes);
      std::memcpy(target + 3 * x, rest, sizeof(float) * 3 * (width - x));
    }
  }
}

void interleaved(const uint32_t* pixels, int width, int height, const Crop& crop,
                 const ChannelScale& scale, float* out, ptrdiff_t row) {
  const size_t line = HWY_MAX_BYTES;
  const bool aligned = reinterpret_cast<uintptr_t>(out) % line == 0 &&
                       static_cast<size_t>(row) * sizeof(float) % line == 0;
  if (width * height >= kStreamPixels && aligned) {
    interleaved_of<true>(pixels, width, height, crop, scale, out, row);
    hwy::FlushStream();
  } else {
    interleaved_of<false>(pixels, width, height, crop, scale, out, row);
  }
}

void clear(float* out, int count, int height, ptrdiff_t row) {
  const DF d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto zero = hn::Zero(d);
  for (int y = 0; y < height; ++y, out += row) {
    if (count < lanes) {
      for (int x = 0; x < count; ++x) out[x] = 0;
      continue;
    }
    for (int x = 0; x + lanes < count; x += lanes) hn::StoreU(zero, d, out + x);
    hn::StoreU(zero, d, out + count - lanes);
  }
}

void crop_pixels(const uint32_t* HWY_RESTRICT pixels, int width, int height, const Crop& crop,
                 uint32_t* HWY_RESTRICT out) {
  const D32 d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const RowLoader load{d, DI32(), width, crop.dx, crop.flip};
  for (int y = 0; y < height; ++y) {
    const int from = y + crop.dy;
    uint32_t* target = out + ptrdiff_t{1} * y * width;
    if (from < 0 || from >= height) {
      std::memset(target, 0, sizeof(uint32_t) * width);
      continue;
    }
    const uint32_t* line = pixels + ptrdiff_t{1} * from * width;
    for (int x = 0; x < width; x += lanes) hn::StoreU(load(line, x), d, target + x);
  }
}

using D8 = hn::ScalableTag<uint8_t>;
using V8 = hn::Vec<D8>;

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

const OutputKernels* kernels() {
  static const OutputKernels kKernels = {interleaved, planes,       clear,
                                         crop_pixels, byte_triples, byte_planes};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::output
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::simd {
namespace output {
HWY_EXPORT(kernels);
const OutputKernels& best() { return *HWY_DYNAMIC_DISPATCH(kernels)(); }
}  // namespace output
const OutputKernels& output_kernels() { return output::best(); }
}  // namespace popaug::simd
#endif
