// Crop, flip, cutout and the way from bytes to normalised float32 or bfloat16, in one pass. Rows
// are straight loops over whole vectors; what lies outside the source, and the cutout, become 0
// afterwards, while the row is in the first-level cache. Plain twin: augmenter_plain.cc.
#include "popaug/augment/internal/output_simd.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/internal/output_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "popaug/augment/internal/bfloat16-inl.h"
#include "popaug/augment/internal/output-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::output {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET <= HWY_AVX3

// Interleaved numbers of lanes of pixels: float e is channel e % 3 of pixel e / 3. Vector k of
// three takes entries k * lanes onwards, so one table serves every width.
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

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET <= HWY_AVX3
template <bool>
using Part = Third;
#else
template <bool kFlip>
using Part = BlockThird<kFlip>;
#endif

// Writes blocks of interleaved numbers.
template <typename Number, bool kFlip, bool kStream>
class InterleavedBlock {
 public:
  explicit InterleavedBlock(const ChannelScale& s) : first_(s, 0), second_(s, 1), third_(s, 2) {}

  template <bool kSolid>
  HWY_INLINE void put(const uint32_t* from, Number* to) const {
    const int lanes = static_cast<int>(hn::Lanes(DF()));
    if constexpr (std::is_same_v<Number, float>) {
      store<kStream>(first<kSolid>(from), to);
      store<kStream>(second<kSolid>(from), to + lanes);
      store<kStream>(third<kSolid>(from), to + 2 * lanes);
    } else {
      const uint32_t *const one = from + (kFlip ? lanes : 0), *const two =
                                                                  from + (kFlip ? 0 : lanes);
      store<kStream>(first<kSolid>(one), second<kSolid>(one), to);
      store<kStream>(third<kSolid>(one), first<kSolid>(two), to + 2 * lanes);
      store<kStream>(second<kSolid>(two), third<kSolid>(two), to + 4 * lanes);
    }
  }

 private:
  template <bool kSolid>
  HWY_INLINE VF first(const uint32_t* from) const {
    return first_.template floats<kSolid>(blocks<kFlip>(from, 0));
  }
  template <bool kSolid>
  HWY_INLINE VF second(const uint32_t* from) const {
    return second_.template floats<kSolid>(blocks<kFlip>(from, 1));
  }
  template <bool kSolid>
  HWY_INLINE VF third(const uint32_t* from) const {
    return third_.template floats<kSolid>(blocks<kFlip>(from, 2));
  }

  Part<kFlip> first_, second_, third_;
};

#if HWY_TARGET == HWY_AVX3_DL

// Where the bytes of interleaved bfloat16 lie in what NumberTable gives for red and green, and for
// blue. Vector k of three takes entries 64 * k onwards.
struct InterleavedOrders {
  alignas(64) uint8_t red_green[192];
  alignas(64) uint8_t blue[192];
  uint64_t is_blue[3];
};
constexpr InterleavedOrders interleaved_orders() {
  InterleavedOrders orders{};
  for (int i = 0; i < 192; ++i) {
    const int pixel = i / 6, channel = i / 2 % 3, byte = pixel + 32 * (i % 2);
    orders.red_green[i] = static_cast<uint8_t>(byte + (channel == 1 ? 64 : 0));
    orders.blue[i] = static_cast<uint8_t>(byte);
    if (channel == 2) orders.is_blue[i / 64] |= uint64_t{1} << i % 64;
  }
  return orders;
}
constexpr InterleavedOrders kInterleavedOrders = interleaved_orders();

template <bool kFlip, bool kStream>
class InterleavedBlock<uint16_t, kFlip, kStream> {
 public:
  explicit InterleavedBlock(const ChannelScale& s) : red_(s, 0), green_(s, 1), blue_(s, 2) {}

  template <bool kSolid>
  HWY_INLINE void put(const uint32_t* from, uint16_t* to) const {
    const PixelBlock<kFlip> block(from);
    const __m512i red = red_.template numbers<0, kSolid>(block);
    const __m512i green = green_.template numbers<1, kSolid>(block);
    const __m512i blue = blue_.template numbers<2, kSolid>(block);
    put<0>(red, green, blue, to);
    put<1>(red, green, blue, to);
    put<2>(red, green, blue, to);
  }

 private:
  // Vector k of the three.
  template <int k>
  static HWY_INLINE void put(__m512i red, __m512i green, __m512i blue, uint16_t* to) {
    constexpr uint64_t kIsBlue = kInterleavedOrders.is_blue[k];
    const __m512i order = _mm512_load_si512(kInterleavedOrders.red_green + 64 * k);
    const __m512i blue_order = _mm512_load_si512(kInterleavedOrders.blue + 64 * k);
    const __m512i two = _mm512_permutex2var_epi8(red, order, green);
    store_line<kStream>(_mm512_mask_permutexvar_epi8(two, kIsBlue, blue_order, blue), to + 32 * k);
  }

  NumberTable red_, green_, blue_;
};

#endif

// Writes rows of interleaved numbers.
template <typename Number, bool kFlip, bool kStream>
class Interleaved {
 public:
  explicit Interleaved(const ChannelScale& s) : block_(s) {}

  // A whole row: output column x shows line[x], or line[width - 1 - x] if kFlip.
  template <bool kSolid>
  HWY_INLINE void row(const uint32_t* line, int begin, int end, int width, Number* to) const {
    const int size = block_size<Number>(), last = width - size;
    if (last < 0) {
      HWY_ALIGN Number rest[3 * HWY_MAX_BYTES / sizeof(Number)];
      block_.template put<kSolid>(line + (kFlip ? last : 0), rest);
      std::memcpy(to, rest, sizeof(Number) * 3 * width);
      return;
    }
    for (int x = begin; x < end; x += size) {
      const int at = std::min(x, last);
      block_.template put<kSolid>(line + (kFlip ? last - at : at), to + 3 * at);
    }
  }

 private:
  InterleavedBlock<Number, kFlip, kStream> block_;
};

template <typename Number, bool kFlip, bool kStream>
void interleaved_of(const uint32_t* HWY_RESTRICT pixels, int width, int height, const Crop& crop,
                    const ChannelScale& scale, Number* HWY_RESTRICT out, ptrdiff_t row,
                    uint32_t* scratch) {
  const Interleaved<Number, kFlip, kStream> to(scale);
  const int size = block_size<Number>();
  const Beside holes = beside(crop, width);
  const int begin = holes.left / size * size, end = width - holes.right;
  for (int y = 0; y < height; ++y) {
    const int from = crop.row_of(y, height);
    Number* target = out + y * row;
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

template <typename Number, bool kFlip>
void interleaved_to(bool stream, const uint32_t* pixels, int width, int height, const Crop& crop,
                    const ChannelScale& scale, Number* out, ptrdiff_t row, uint32_t* scratch) {
  const auto run =
      stream ? interleaved_of<Number, kFlip, true> : interleaved_of<Number, kFlip, false>;
  run(pixels, width, height, crop, scale, out, row, scratch);
}

template <typename Number>
void interleaved(const uint32_t* pixels, int width, int height, const Crop& crop,
                 const ChannelScale& scale, Number* out, ptrdiff_t row, uint32_t* scratch) {
  const auto run = crop.flip ? interleaved_to<Number, true> : interleaved_to<Number, false>;
  run(streams(width, height, out, row), pixels, width, height, crop, scale, out, row, scratch);
}

const OutputKernels* kernels() {
  static const OutputKernels kKernels = {interleaved<float>, interleaved<uint16_t>};
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
