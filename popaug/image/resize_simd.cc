// The passes of a resize: written once in Highway, compiled for every x86 target, chosen per image.
// Plain twin: plain::resize.
#include "popaug/image/internal/resize.h"

#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/image/resize_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::resizing {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int32_t kHalf = 1 << (kFractionBits - 1);

// Sums stay inside 32 bits: no weight is negative, and those of an output sample add up to
// 2^22, but for their own rounding.
template <class D>
HWY_INLINE hn::Vec<D> samples(D d, const uint8_t* bytes) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<uint8_t, D>(), bytes));
}

template <class D>
HWY_INLINE void store(D, hn::Vec<D> sums, uint8_t* out) {
  const hn::Rebind<uint8_t, D> bytes;
  hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<kFractionBits>(sums)), bytes, out);
}

#if HWY_TARGET == HWY_SCALAR  // one lane: no vector of the four bytes of a pixel
using Pixel = hn::ScalableTag<int32_t>;
#else
using Pixel = hn::FixedTag<int32_t, 4>;
#endif
constexpr size_t kPixelLanes = HWY_TARGET == HWY_SCALAR ? 1 : 4;

// kRows rows at a time, so that a weight is loaded once for all of them. kTaps 0: as many as `axis`
// says.
template <int kRows, int kTaps>
HWY_INLINE void across_rows(const uint8_t* HWY_RESTRICT in, size_t row_bytes,
                            const ResizeAxis& axis, int out_width, uint8_t* HWY_RESTRICT out) {
  const Pixel d;
  const int taps = kTaps > 0 ? kTaps : axis.taps;
  const size_t out_row = size_t{4} * out_width;
  const int32_t* weights = axis.weights.data();
  for (int x = 0; x < out_width; ++x, weights += taps) {
    for (size_t lane = 0; lane < 4; lane += kPixelLanes) {
      const uint8_t* from = in + size_t{4} * axis.first[x] + lane;
      hn::Vec<Pixel> sums[kRows];
      for (auto& sum : sums) sum = hn::Set(d, kHalf);
      for (int k = 0; k < taps; ++k) {
        const auto weight = hn::Set(d, weights[k]);
        for (int r = 0; r < kRows; ++r) {
          sums[r] = hn::Add(sums[r], hn::Mul(samples(d, from + r * row_bytes + 4 * k), weight));
        }
      }
      for (int r = 0; r < kRows; ++r) store(d, sums[r], out + r * out_row + 4 * x + lane);
    }
  }
}

template <int kTaps>
HWY_INLINE void across_taps(const uint8_t* in, size_t row_bytes, int rows, const ResizeAxis& axis,
                            int out_width, uint8_t* out) {
  int y = 0;
  for (; y + 4 <= rows; y += 4, in += 4 * row_bytes, out += size_t{16} * out_width) {
    across_rows<4, kTaps>(in, row_bytes, axis, out_width, out);
  }
  for (; y < rows; ++y, in += row_bytes, out += size_t{4} * out_width) {
    across_rows<1, kTaps>(in, row_bytes, axis, out_width, out);
  }
}

void across(const uint8_t* in, size_t row_bytes, int rows, const ResizeAxis& axis, int out_width,
            uint8_t* out) {
  // Two taps: every enlargement.
  if (axis.taps == 2) return across_taps<2>(in, row_bytes, rows, axis, out_width, out);
  across_taps<0>(in, row_bytes, rows, axis, out_width, out);
}

template <class D>
HWY_INLINE void down_sums(D d, const uint8_t* HWY_RESTRICT in, size_t row_bytes,
                          const int32_t* HWY_RESTRICT weights, int taps,
                          uint8_t* HWY_RESTRICT out) {
  auto sums = hn::Set(d, kHalf);
  for (int k = 0; k < taps; ++k, in += row_bytes) {
    sums = hn::Add(sums, hn::Mul(samples(d, in), hn::Set(d, weights[k])));
  }
  store(d, sums, out);
}

void down(const uint8_t* in, size_t row_bytes, int width, const ResizeAxis& axis, int out_height,
          uint8_t* out) {
  const hn::ScalableTag<int32_t> d;
  const size_t row = size_t{4} * width, lanes = hn::Lanes(d);
  const int32_t* weights = axis.weights.data();
  for (int y = 0; y < out_height; ++y, weights += axis.taps, out += row) {
    const uint8_t* from = in + static_cast<size_t>(axis.first[y]) * row_bytes;
    size_t x = 0;
    for (; x + lanes <= row; x += lanes) {
      down_sums(d, from + x, row_bytes, weights, axis.taps, out + x);
    }
    for (; x < row; x += kPixelLanes) {
      down_sums(Pixel(), from + x, row_bytes, weights, axis.taps, out + x);
    }
  }
}

const Kernels* best() {
  static const Kernels kKernels = {across, down};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::resizing
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::resizing {

HWY_EXPORT(best);
const Kernels& kernels() { return *HWY_DYNAMIC_DISPATCH(best)(); }

}  // namespace popaug::resizing
#endif
