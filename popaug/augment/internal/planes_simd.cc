// As output_simd.cc, to planes: every channel for itself, grey or colour.
#include "popaug/augment/internal/planes_simd.h"

#include <algorithm>
#include <cstring>

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/internal/planes_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "popaug/augment/internal/output-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::output {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The floats of one channel (the byte of `v` from bit kShift on).
template <int kShift, bool kSolid>
HWY_INLINE VF channel(V32 v, VF scale, VF offset) {
  const D32 d;
  const auto byte = hn::And(hn::ShiftRight<kShift>(v), hn::Set(d, 255u));
  const auto result = scaled(byte, scale, offset);
  return kSolid ? result : hn::IfThenZeroElse(is_hole(v), result);
}

template <int kChannels, bool kFlip, bool kStream>
class Planes {
 public:
  Planes(const ChannelScale& s, ptrdiff_t plane)
      : scale0_(hn::Set(DF(), s.scale[0])),
        scale1_(hn::Set(DF(), s.scale[1])),
        scale2_(hn::Set(DF(), s.scale[2])),
        offset0_(hn::Set(DF(), s.offset[0])),
        offset1_(hn::Set(DF(), s.offset[1])),
        offset2_(hn::Set(DF(), s.offset[2])),
        plane_(plane) {}

  // The pixels from `from` on to the columns from `to` on.
  template <bool kSolid>
  HWY_INLINE void put(const uint32_t* from, float* to) const {
    auto v = hn::LoadU(D32(), from);
    if (kFlip) v = hn::Reverse(D32(), v);
    store<kStream>(channel<0, kSolid>(v, scale0_, offset0_), to);
    if (kChannels == 1) return;
    store<kStream>(channel<8, kSolid>(v, scale1_, offset1_), to + plane_);
    store<kStream>(channel<16, kSolid>(v, scale2_, offset2_), to + 2 * plane_);
  }

  // A whole row: output column x shows line[x], or line[width - 1 - x] if kFlip.
  template <bool kSolid>
  HWY_INLINE void row(const uint32_t* line, int begin, int end, int width, float* to) const {
    const int lanes = static_cast<int>(hn::Lanes(DF()));
    const int last = width - lanes;
    if (last < 0) return narrow<kSolid>(line, width, to);
    for (int x = begin; x < end; x += lanes) {
      const int at = std::min(x, last);
      put<kSolid>(line + (kFlip ? last - at : at), to + at);
    }
  }

 private:
  template <bool kSolid>
  HWY_INLINE void narrow(const uint32_t* line, int width, float* to) const {
    HWY_ALIGN float rest[3][HWY_MAX_BYTES / 4];
    Planes near = *this;
    near.plane_ = rest[1] - rest[0];
    const int lanes = static_cast<int>(hn::Lanes(DF()));
    near.template put<kSolid>(line + (kFlip ? width - lanes : 0), rest[0]);
    for (int c = 0; c < kChannels; ++c) {
      std::memcpy(to + c * plane_, rest[c], sizeof(float) * width);
    }
  }

  VF scale0_, scale1_, scale2_, offset0_, offset1_, offset2_;
  ptrdiff_t plane_;
};

template <int kChannels, bool kFlip, bool kStream>
void planes_of(const uint32_t* HWY_RESTRICT pixels, int width, int height, const Crop& crop,
               const ChannelScale& scale, float* HWY_RESTRICT out, ptrdiff_t plane, ptrdiff_t row,
               uint32_t* scratch) {
  const Planes<kChannels, kFlip, kStream> to(scale, plane);
  const int lanes = static_cast<int>(hn::Lanes(DF()));
  const Beside holes = beside(crop, width);
  const int begin = holes.left / lanes * lanes, end = width - holes.right;
  const auto clear = [&](float* target, int first, int count) {
    for (int c = 0; c < kChannels; ++c) zero(target + c * plane + first, count);
  };
  for (int y = 0; y < height; ++y) {
    const int from = crop.row_of(y, height);
    float* target = out + y * row;
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

template <int kChannels, bool kFlip>
void planes_to(bool stream, const uint32_t* pixels, int width, int height, const Crop& crop,
               const ChannelScale& scale, float* out, ptrdiff_t plane, ptrdiff_t row,
               uint32_t* scratch) {
  const auto run = stream ? planes_of<kChannels, kFlip, true> : planes_of<kChannels, kFlip, false>;
  run(pixels, width, height, crop, scale, out, plane, row, scratch);
}

void planes(const uint32_t* pixels, int width, int height, const Crop& crop,
            const ChannelScale& scale, int channels, float* out, ptrdiff_t plane, ptrdiff_t row,
            uint32_t* scratch) {
  const auto run = channels == 1 ? (crop.flip ? planes_to<1, true> : planes_to<1, false>)
                                 : (crop.flip ? planes_to<3, true> : planes_to<3, false>);
  run(streams(width, height, out, row) && streams(width, height, out + plane, row), pixels, width,
      height, crop, scale, out, plane, row, scratch);
}

const PlaneKernels* plane_table() {
  static const PlaneKernels kKernels = {planes};
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
