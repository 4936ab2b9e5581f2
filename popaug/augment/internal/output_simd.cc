// Crop, flip, cutout and the way from bytes to normalised float32, in one pass. Rows are straight
// loops over whole vectors; what lies outside the source, and the cutout, become 0 afterwards,
// while the row is in the first-level cache. Plain twin: augmenter_plain.cc.
#include "popaug/augment/internal/output_simd.h"

#include <algorithm>
#include <cstring>

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/internal/output_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "popaug/augment/internal/output-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::output {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET <= HWY_AVX3

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

  // kSolid: no pixel is a hole.
  template <bool kSolid>
  HWY_INLINE VF floats(V32 v) const {
#if HWY_TARGET == HWY_AVX3_DL
    if (kSolid) {
      const __m512i value = _mm512_maskz_permutexvar_epi8(0x1111111111111111ull, order_, v.raw);
      const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(value), scale_.raw);
      return VF{_mm512_add_ps(product, offset_.raw)};
    }
    const __m512i picked = _mm512_permutexvar_epi8(order_, v.raw);
    const __mmask16 solid = _mm512_test_epi32_mask(picked, _mm512_set1_epi32(-256));
    const __m512i value = _mm512_and_si512(picked, _mm512_set1_epi32(255));
    const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(value), scale_.raw);
    return VF{_mm512_maskz_add_ps(solid, product, offset_.raw)};
#else
    const D32 d;
    const auto spread = hn::TableLookupLanes(v, hn::SetTableIndices(d, pixel_));
    const auto value = hn::And(hn::Shr(spread, shift_), hn::Set(d, 255u));
    const auto result = scaled(value, scale_, offset_);
    return kSolid ? result : hn::IfThenZeroElse(is_hole(spread), result);
#endif
  }

 private:
#if HWY_TARGET == HWY_AVX3_DL
  __m512i order_;
#else
  const int32_t* pixel_;
  V32 shift_;
#endif
  VF scale_, offset_;
};

template <bool kFlip>
HWY_INLINE V32 blocks(const uint32_t* from, int) {
  const D32 d;
  const auto v = hn::LoadU(d, from);
  return kFlip ? hn::Reverse(d, v) : v;
}

#else  // vectors of one or two blocks of 16 bytes

using D8 = hn::ScalableTag<uint8_t>;
using V8 = hn::Vec<D8>;

// A block of four pixels makes twelve floats: three blocks. Vector k of three (four pixels with one
// block, eight with two) takes the bytes from k * block bytes onwards. [flip][...]: the pixels of a
// block from the first to the last, or back.
struct BlockTables {
  alignas(32) uint8_t colour[2][96];
  alignas(32) uint8_t alpha[2][96];
};
constexpr BlockTables block_tables() {
  BlockTables t{};
  for (int flip = 0; flip < 2; ++flip) {
    for (int e = 0; e < 24; ++e) {
      const int pixel = flip ? 3 - e % 12 / 3 : e % 12 / 3;
      for (int b = 0; b < 4; ++b) {
        t.colour[flip][4 * e + b] = static_cast<uint8_t>(b == 0 ? 4 * pixel + e % 3 : 0x80);
        t.alpha[flip][4 * e + b] = static_cast<uint8_t>(b == 0 ? 4 * pixel + 3 : 0x80);
      }
    }
  }
  return t;
}
constexpr BlockTables kBlocks = block_tables();

// Makes vector k of the three.
template <bool kFlip>
class BlockThird {
 public:
  BlockThird(const ChannelScale& s, int k) {
    const size_t at = static_cast<size_t>(k) * hn::Lanes(DF());
    colour_ = hn::Load(D8(), kBlocks.colour[kFlip] + 4 * at);
    alpha_ = hn::Load(D8(), kBlocks.alpha[kFlip] + 4 * at);
    scale_ = hn::Load(DF(), s.repeated_scale + at);
    offset_ = hn::Load(DF(), s.repeated_offset + at);
  }

  template <bool kSolid>
  HWY_INLINE VF floats(V8 v) const {
    const D32 d;
    const auto result =
        scaled(hn::BitCast(d, hn::TableLookupBytesOr0(v, colour_)), scale_, offset_);
    if (kSolid) return result;
    const auto alpha = hn::BitCast(d, hn::TableLookupBytesOr0(v, alpha_));
    return hn::IfThenZeroElse(hn::RebindMask(DF(), hn::Eq(alpha, hn::Zero(d))), result);
  }

 private:
  V8 colour_, alpha_;
  VF scale_, offset_;
};

// What vector k of three is made of, of the vector of pixels at `from`.
template <bool kFlip>
HWY_INLINE V8 blocks(const uint32_t* from, int k) {
  const D8 d;
  const auto* bytes = reinterpret_cast<const uint8_t*>(from);
#if HWY_TARGET == HWY_AVX2
  const auto first = hn::LoadDup128(d, bytes + (kFlip ? 16 : 0));
  const auto second = hn::LoadDup128(d, bytes + (kFlip ? 0 : 16));
  return k == 0 ? first : k == 2 ? second : hn::ConcatUpperLower(d, second, first);
#else
  (void)k;
  return hn::LoadU(d, bytes);
#endif
}

#endif

// Writes rows of interleaved floats.
template <bool kFlip, bool kStream>
class Interleaved {
 public:
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET <= HWY_AVX3
  using Part = Third;
#else
  using Part = BlockThird<kFlip>;
#endif
  explicit Interleaved(const ChannelScale& s) : first_(s, 0), second_(s, 1), third_(s, 2) {}

  template <bool kSolid>
  HWY_INLINE void put(const uint32_t* from, float* to) const {
    const int lanes = static_cast<int>(hn::Lanes(DF()));
    store<kStream>(first_.template floats<kSolid>(blocks<kFlip>(from, 0)), to);
    store<kStream>(second_.template floats<kSolid>(blocks<kFlip>(from, 1)), to + lanes);
    store<kStream>(third_.template floats<kSolid>(blocks<kFlip>(from, 2)), to + 2 * lanes);
  }

  // A whole row: output column x shows line[x], or line[width - 1 - x] if kFlip.
  template <bool kSolid>
  HWY_INLINE void row(const uint32_t* line, int begin, int end, int width, float* to) const {
    const int lanes = static_cast<int>(hn::Lanes(DF()));
    const int last = width - lanes;
    if (last < 0) {
      HWY_ALIGN float rest[3 * HWY_MAX_BYTES / 4];
      put<kSolid>(line + (kFlip ? last : 0), rest);
      std::memcpy(to, rest, sizeof(float) * 3 * width);
      return;
    }
    for (int x = begin; x < end; x += lanes) {
      const int at = std::min(x, last);
      put<kSolid>(line + (kFlip ? last - at : at), to + 3 * at);
    }
  }

 private:
  Part first_, second_, third_;
};

template <bool kFlip, bool kStream>
void interleaved_of(const uint32_t* HWY_RESTRICT pixels, int width, int height, const Crop& crop,
                    const ChannelScale& scale, float* HWY_RESTRICT out, ptrdiff_t row,
                    uint32_t* scratch) {
  const Interleaved<kFlip, kStream> to(scale);
  const int lanes = static_cast<int>(hn::Lanes(DF()));
  const Beside holes = beside(crop, width);
  const int begin = holes.left / lanes * lanes, end = width - holes.right;
  for (int y = 0; y < height; ++y) {
    const int from = crop.row_of(y, height);
    float* target = out + y * row;
    if (from < 0 || from >= height || holes.left + holes.right >= width) {
      zero(target, 3 * width);
      continue;
    }
    const uint32_t* line = pixels + ptrdiff_t{1} * from * width + crop.dx;
    const bool cut = is_cut(crop.cut, y);
    if (kStream && (cut || crop.dx != 0)) {  // past the caches there is no afterwards
      line = composed<kFlip>(line, width, holes, crop.cut, cut, scratch);
      to.template row<false>(line, 0, width, width, target);
      continue;
    }
    crop.solid ? to.template row<true>(line, begin, end, width, target)
               : to.template row<false>(line, begin, end, width, target);
    zero(target, 3 * holes.left);
    zero(target + 3 * end, 3 * holes.right);
    if (cut) zero(target + 3 * crop.cut.left, 3 * (crop.cut.right - crop.cut.left));
  }
  if (kStream) hwy::FlushStream();
}

void interleaved(const uint32_t* pixels, int width, int height, const Crop& crop,
                 const ChannelScale& scale, float* out, ptrdiff_t row, uint32_t* scratch) {
  const auto run = streams(width, height, out, row)
                       ? (crop.flip ? interleaved_of<true, true> : interleaved_of<false, true>)
                       : (crop.flip ? interleaved_of<true, false> : interleaved_of<false, false>);
  run(pixels, width, height, crop, scale, out, row, scratch);
}

const OutputKernels* kernels() {
  static const OutputKernels kKernels = {interleaved};
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
