// Affine maps with the nearest pixel, in Pillow's 16.16 fixed point. Plain twin: affine_plain.cc.
#include "popaug/augment/internal/geometry_simd.h"

#include <algorithm>
#include <cstring>

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/augment/internal/geometry_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::simd::geometry {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<uint32_t>;
using DI32 = hn::ScalableTag<int32_t>;

// dst[0..count) = fill; may write up to a vector more.
HWY_INLINE void fill_run(uint32_t* dst, int count, uint32_t fill) {
  const D32 d;
  const auto v = hn::Set(d, fill);
  for (int x = 0; x < count; x += static_cast<int>(hn::Lanes(d))) hn::StoreU(v, d, dst + x);
}

// dst[0..count) = src[0..count); may read and write up to a vector more.
HWY_INLINE void copy_run(const uint32_t* src, uint32_t* dst, int count) {
  const D32 d;
  for (int x = 0; x < count; x += static_cast<int>(hn::Lanes(d))) {
    hn::StoreU(hn::LoadU(d, src + x), d, dst + x);
  }
}

// One row that shows source row `row` (none if outside) from column `dx` on. Runs are written from
// left to right, so what one writes too much the next overwrites.
HWY_INLINE void shift_row(const uint32_t* src, uint32_t* dst, int width, int height, int row,
                          int dx, uint32_t fill) {
  if (row < 0 || row >= height || dx >= width || dx <= -width) return fill_run(dst, width, fill);
  const int begin = std::max(0, -dx);
  const int end = std::min(width, width - dx);
  fill_run(dst, begin, fill);
  copy_run(src + ptrdiff_t{1} * row * width + begin + dx, dst + begin, end - begin);
  fill_run(dst + end, width - end, fill);
}

void shift(const uint32_t* HWY_RESTRICT src, uint32_t* HWY_RESTRICT dst, int width, int height,
           int dx, int dy, uint32_t fill) {
  for (int y = 0; y < height; ++y) {
    shift_row(src, dst + ptrdiff_t{1} * y * width, width, height, y + dy, dx, fill);
  }
}

constexpr int32_t kOne = 1 << 16;

// ShearX: every row is shifted as a whole.
void shear_rows(const uint32_t* src, uint32_t* dst, int width, int height, const FixedMap& m,
                uint32_t fill) {
  for (int y = 0; y < height; ++y) {
    const auto step = static_cast<uint32_t>(y);
    const auto x0 = static_cast<int32_t>(uint32_t(m.x0) + step * uint32_t(m.bx)) >> 16;
    const auto y0 = static_cast<int32_t>(uint32_t(m.y0) + step * uint32_t(m.by)) >> 16;
    shift_row(src, dst + ptrdiff_t{1} * y * width, width, height, y0, x0, fill);
  }
}

// ShearY with little slope: runs of neighbouring columns come from one source row. Returns false,
// and does nothing, if there are too many runs.
bool shear_columns(const uint32_t* src, uint32_t* dst, int width, int height, const FixedMap& m,
                   uint32_t fill) {
  struct Run {
    int begin, length, dy;
  };
  constexpr int kMost = 512;
  Run runs[kMost];
  int count = 0;
  for (int x = 0; x < width; ++x) {
    const int dy = static_cast<int32_t>(uint32_t(m.y0) + uint32_t(x) * uint32_t(m.ay)) >> 16;
    if (count > 0 && runs[count - 1].dy == dy) {
      ++runs[count - 1].length;
    } else {
      if (count == kMost) return false;
      runs[count++] = {x, 1, dy};
    }
  }
  for (int y = 0; y < height; ++y) {
    uint32_t* line = dst + ptrdiff_t{1} * y * width;
    for (int r = 0; r < count; ++r) {
      const Run& run = runs[r];
      const int row = y + run.dy;
      if (row < 0 || row >= height) {
        fill_run(line + run.begin, run.length, fill);
      } else {
        copy_run(src + ptrdiff_t{1} * row * width + run.begin, line + run.begin, run.length);
      }
    }
  }
  return true;
}

// Any map: per pixel a source index, or none.
void gather(const uint32_t* HWY_RESTRICT src, uint32_t* HWY_RESTRICT dst, int width, int height,
            const FixedMap& m, uint32_t fill) {
  const D32 d;
  const DI32 di;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const auto lane = hn::Iota(di, 0);
  const auto lane_x = hn::Mul(lane, hn::Set(di, m.ax));
  const auto lane_y = hn::Mul(lane, hn::Set(di, m.ay));
  const auto step_x = hn::Mul(hn::Set(di, lanes), hn::Set(di, m.ax));
  const auto step_y = hn::Mul(hn::Set(di, lanes), hn::Set(di, m.ay));
  const auto w = hn::Set(di, width);
  const auto vw = hn::Set(d, static_cast<uint32_t>(width));
  const auto vh = hn::Set(d, static_cast<uint32_t>(height));
  const auto background = hn::Set(d, fill);
  for (int y = 0; y < height; ++y) {
    const auto row = static_cast<uint32_t>(y);
    const auto row_x = static_cast<int32_t>(uint32_t(m.x0) + row * uint32_t(m.bx));
    const auto row_y = static_cast<int32_t>(uint32_t(m.y0) + row * uint32_t(m.by));
    auto xx = hn::Add(hn::Set(di, row_x), lane_x);
    auto yy = hn::Add(hn::Set(di, row_y), lane_y);
    uint32_t* line = dst + ptrdiff_t{1} * y * width;
    for (int x = 0; x < width; x += lanes) {
      const auto xin = hn::ShiftRight<16>(xx);
      const auto yin = hn::ShiftRight<16>(yy);
      // As unsigned numbers, negative ones are large.
      const auto inside = hn::And(hn::Lt(hn::BitCast(d, xin), vw), hn::Lt(hn::BitCast(d, yin), vh));
      const auto index = hn::Add(hn::Mul(yin, w), xin);
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
      const __m512i got =
          _mm512_mask_i32gather_epi32(background.raw, inside.raw, index.raw, src, 4);
      _mm512_storeu_si512(line + x, got);
#else
      const auto safe = hn::IfThenElseZero(hn::RebindMask(di, inside), index);
      const auto got = hn::GatherIndex(d, src, safe);
      hn::StoreU(hn::IfThenElse(inside, got, background), d, line + x);
#endif
      xx = hn::Add(xx, step_x);
      yy = hn::Add(yy, step_y);
    }
  }
}

void affine(const uint32_t* src, uint32_t* dst, int width, int height, const FixedMap& m,
            uint32_t fill) {
  if (m.ax == kOne && m.ay == 0) return shear_rows(src, dst, width, height, m, fill);
  const bool upright = m.ax == kOne && m.bx == 0 && m.by == kOne && m.x0 >> 16 == 0;
  const bool slight = m.ay > -kOne / 2 && m.ay < kOne / 2;
  if (upright && slight && shear_columns(src, dst, width, height, m, fill)) return;
  gather(src, dst, width, height, m, fill);
}

const GeometryKernels* kernels() {
  static const GeometryKernels kKernels = {affine, shift};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::simd::geometry
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::simd {
namespace geometry {
HWY_EXPORT(kernels);
const GeometryKernels& best() { return *HWY_DYNAMIC_DISPATCH(kernels)(); }
}  // namespace geometry
const GeometryKernels& geometry_kernels() { return geometry::best(); }
}  // namespace popaug::simd
#endif
