// As output_simd.cc, to planes: every channel for itself, grey or colour.
#include "popaug/augment/internal/planes_simd.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/internal/planes_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "popaug/augment/internal/bfloat16-inl.h"
#include "popaug/augment/internal/output-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::output {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The numbers of one channel, as floats (the byte of `v` from bit kShift on).
template <int kShift, bool kSolid>
HWY_INLINE VF channel(V32 v, VF scale, VF offset) {
  const D32 d;
  const auto byte = hn::And(hn::ShiftRight<kShift>(v), hn::Set(d, 255u));
  const auto result = scaled(byte, scale, offset);
  return kSolid ? result : hn::IfThenZeroElse(is_hole(v), result);
}

// Writes blocks of numbers, a plane per channel.
template <typename Number, int kChannels, bool kFlip, bool kStream>
class PlanesBlock {
 public:
  explicit PlanesBlock(const ChannelScale& s)
      : scale0_(hn::Set(DF(), s.scale[0])),
        scale1_(hn::Set(DF(), s.scale[1])),
        scale2_(hn::Set(DF(), s.scale[2])),
        offset0_(hn::Set(DF(), s.offset[0])),
        offset1_(hn::Set(DF(), s.offset[1])),
        offset2_(hn::Set(DF(), s.offset[2])) {}

  // The pixels from `from` on to the columns from `to` on.
  template <bool kSolid>
  HWY_INLINE void put(const uint32_t* from, Number* to, ptrdiff_t plane) const {
    if constexpr (std::is_same_v<Number, float>) {
      const V32 v = pixels(from);
      store<kStream>(channel<0, kSolid>(v, scale0_, offset0_), to);
      if (kChannels == 1) return;
      store<kStream>(channel<8, kSolid>(v, scale1_, offset1_), to + plane);
      store<kStream>(channel<16, kSolid>(v, scale2_, offset2_), to + 2 * plane);
    } else {
      const int lanes = static_cast<int>(hn::Lanes(DF()));
      const V32 v = pixels(from + (kFlip ? lanes : 0)), w = pixels(from + (kFlip ? 0 : lanes));
      store<kStream>(channel<0, kSolid>(v, scale0_, offset0_),
                     channel<0, kSolid>(w, scale0_, offset0_), to);
      if (kChannels == 1) return;
      store<kStream>(channel<8, kSolid>(v, scale1_, offset1_),
                     channel<8, kSolid>(w, scale1_, offset1_), to + plane);
      store<kStream>(channel<16, kSolid>(v, scale2_, offset2_),
                     channel<16, kSolid>(w, scale2_, offset2_), to + 2 * plane);
    }
  }

 private:
  static HWY_INLINE V32 pixels(const uint32_t* from) {
    const auto v = hn::LoadU(D32(), from);
    return kFlip ? hn::Reverse(D32(), v) : v;
  }

  VF scale0_, scale1_, scale2_, offset0_, offset1_, offset2_;
};

#if HWY_TARGET == HWY_AVX3_DL

// Where the bytes of bfloat16 lie in what NumberTable gives.
struct PlaneOrder {
  alignas(64) uint8_t of[64];
};
constexpr PlaneOrder plane_order() {
  PlaneOrder order{};
  for (int i = 0; i < 64; ++i) order.of[i] = static_cast<uint8_t>(i / 2 + 32 * (i % 2));
  return order;
}
constexpr PlaneOrder kPlaneOrder = plane_order();

template <int kChannels, bool kFlip, bool kStream>
class PlanesBlock<uint16_t, kChannels, kFlip, kStream> {
 public:
  explicit PlanesBlock(const ChannelScale& s) : first_(s, 0), second_(s, 1), third_(s, 2) {}

  template <bool kSolid>
  HWY_INLINE void put(const uint32_t* from, uint16_t* to, ptrdiff_t plane) const {
    const PixelBlock<kFlip> block(from);
    put(first_.template numbers<0, kSolid>(block), to);
    if (kChannels == 1) return;
    put(second_.template numbers<1, kSolid>(block), to + plane);
    put(third_.template numbers<2, kSolid>(block), to + 2 * plane);
  }

 private:
  static HWY_INLINE void put(__m512i numbers, uint16_t* to) {
    const __m512i order = _mm512_load_si512(kPlaneOrder.of);
    store_line<kStream>(_mm512_permutexvar_epi8(order, numbers), to);
  }

  NumberTable first_, second_, third_;
};

#endif

// Writes rows of numbers, a plane per channel.
template <typename Number, int kChannels, bool kFlip, bool kStream>
class Planes {
 public:
  Planes(const ChannelScale& s, ptrdiff_t plane) : block_(s), plane_(plane) {}

  // A whole row: output column x shows line[x], or line[width - 1 - x] if kFlip.
  template <bool kSolid>
  HWY_INLINE void row(const uint32_t* line, int begin, int end, int width, Number* to) const {
    const int size = block_size<Number>(), last = width - size;
    if (last < 0) return narrow<kSolid>(line, width, to);
    for (int x = begin; x < end; x += size) {
      const int at = std::min(x, last);
      block_.template put<kSolid>(line + (kFlip ? last - at : at), to + at, plane_);
    }
  }

 private:
  template <bool kSolid>
  HWY_INLINE void narrow(const uint32_t* line, int width, Number* to) const {
    HWY_ALIGN Number rest[3][HWY_MAX_BYTES / sizeof(Number)];
    const int last = width - block_size<Number>();
    block_.template put<kSolid>(line + (kFlip ? last : 0), rest[0], rest[1] - rest[0]);
    for (int c = 0; c < kChannels; ++c) {
      std::memcpy(to + c * plane_, rest[c], sizeof(Number) * width);
    }
  }

  PlanesBlock<Number, kChannels, kFlip, kStream> block_;
  ptrdiff_t plane_;
};

template <typename Number, int kChannels, bool kFlip, bool kStream>
void planes_of(const uint32_t* HWY_RESTRICT pixels, int width, int height, const Crop& crop,
               const ChannelScale& scale, Number* HWY_RESTRICT out, ptrdiff_t plane, ptrdiff_t row,
               uint32_t* scratch) {
  const Planes<Number, kChannels, kFlip, kStream> to(scale, plane);
  const int size = block_size<Number>();
  const Beside holes = beside(crop, width);
  const int begin = holes.left / size * size, end = width - holes.right;
  const auto clear = [&](Number* target, int first, int count) {
    for (int c = 0; c < kChannels; ++c) zero(target + c * plane + first, count);
  };
  for (int y = 0; y < height; ++y) {
    const int from = crop.row_of(y, height);
    Number* target = out + y * row;
    if (from < 0 || from >= height || holes.left + holes.right >= width) {
      clear(target, 0, width);
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
    clear(target, 0, holes.left);
    clear(target, end, holes.right);
    if (cut) clear(target, crop.cut.left, crop.cut.right - crop.cut.left);
  }
  if (kStream) hwy::FlushStream();
}

template <typename Number, int kChannels, bool kFlip>
void planes_to(bool stream, const uint32_t* pixels, int width, int height, const Crop& crop,
               const ChannelScale& scale, Number* out, ptrdiff_t plane, ptrdiff_t row,
               uint32_t* scratch) {
  const auto run = stream ? planes_of<Number, kChannels, kFlip, true>
                          : planes_of<Number, kChannels, kFlip, false>;
  run(pixels, width, height, crop, scale, out, plane, row, scratch);
}

template <typename Number>
void planes(const uint32_t* pixels, int width, int height, const Crop& crop,
            const ChannelScale& scale, int channels, Number* out, ptrdiff_t plane, ptrdiff_t row,
            uint32_t* scratch) {
  const auto run = channels == 1
                       ? (crop.flip ? planes_to<Number, 1, true> : planes_to<Number, 1, false>)
                       : (crop.flip ? planes_to<Number, 3, true> : planes_to<Number, 3, false>);
  run(streams(width, height, out, row) && streams(width, height, out + plane, row), pixels, width,
      height, crop, scale, out, plane, row, scratch);
}

const PlaneKernels* plane_table() {
  static const PlaneKernels kKernels = {planes<float>, planes<uint16_t>};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::output
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::simd {
namespace output {
HWY_EXPORT(plane_table);
const PlaneKernels& best_planes() { return *HWY_DYNAMIC_DISPATCH(plane_table)(); }
}  // namespace output
const PlaneKernels& plane_kernels() { return output::best_planes(); }
}  // namespace popaug::simd
#endif
