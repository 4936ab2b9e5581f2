// Batch normalisation, ReLU and mean pooling that are not fused into a convolution.
#include <cstring>

#include "popaug/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "popaug/kernels/norm_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// This follows foreach_target.h.
#include "popaug/kernels/internal/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::kernels {
namespace HWY_NAMESPACE {

// Pixels summed in a register before the block's sum, and runs of them before a flush to double.
inline constexpr size_t kRun = 32, kRunsPerFlush = 32;

template <class Work>
HWY_INLINE void ForRuns(size_t pixels, const Work& work) {
  for (size_t i = 0; i < pixels; i += kRun) work(i, std::min(kRun, pixels - i));
}

void MomentsOf(const float* x, size_t pixels, int channels, Moments* moments) {
  const size_t c = size_t(channels);
  std::vector<float> scratch(BlockSums::floats(c));
  BlockSums sums(scratch.data(), c);
  ForRuns(pixels, [&](size_t i, size_t n) HWY_ATTR {
    sums.add_moments(x + i * c, n);
    if (i / kRun % kRunsPerFlush == kRunsPerFlush - 1) sums.flush(moments);
  });
  sums.flush(moments);
}

void Normalise(const float* x, size_t pixels, int channels, const Activation& act, bool relu,
               float* y) {
  const size_t all = size_t(channels);
  ForRuns(pixels, [&](size_t i, size_t n) HWY_ATTR {
    ForChannels(all, [&](auto d, size_t c) HWY_ATTR {
      const Norm norm(d, act, c);
      for (size_t p = i; p < i + n; ++p) {
        const auto v = hn::LoadU(d, x + p * all + c);
        hn::StoreU(relu ? norm.relu(v) : norm.linear(v), d, y + p * all + c);
      }
    });
  });
}

void MaskAndSum(const float* x, const float* grad, size_t pixels, int channels,
                const Activation& act, bool relu, float* to, GradientSums* sums) {
  const size_t c = size_t(channels);
  std::vector<float> scratch(BlockSums::floats(c));
  BlockSums block(scratch.data(), c);
  ForRuns(pixels, [&](size_t i, size_t n) HWY_ATTR {
    FinishMaskedRow(grad + i * c, c, nullptr, x + i * c, act, relu, n, c, to + i * c,
                    sums ? &block : nullptr);
    if (sums && i / kRun % kRunsPerFlush == kRunsPerFlush - 1) block.flush(sums);
  });
  if (sums) block.flush(sums);
}

void Materialise(const Gradient& gradient, size_t pixels, int channels) {
  ForRuns(pixels, [&](size_t i, size_t n)
                      HWY_ATTR { GradientRow(gradient, i, n, size_t(channels), nullptr, 0); });
}

void PoolForward(const float* x, int batch, int pixels, int channels, const Activation& act,
                 float* y) {
  const size_t all = size_t(channels), each = size_t(pixels);
  for (size_t n = 0; n < size_t(batch); ++n) {
    ForChannels(all, [&](auto d, size_t c) HWY_ATTR {
      const Norm norm(d, act, c);
      auto sum = hn::Zero(d);
      for (size_t p = 0; p < each; ++p) {
        sum = hn::Add(sum, norm.relu(hn::LoadU(d, x + (n * each + p) * all + c)));
      }
      hn::StoreU(hn::Mul(sum, hn::Set(d, 1.0f / float(each))), d, y + n * all + c);
    });
  }
}

void PoolBackward(const float* x, const float* grad, int batch, int pixels, int channels,
                  const Activation& act, float* to, GradientSums* sums) {
  const size_t c = size_t(channels), each = size_t(pixels);
  std::vector<float> scratch(BlockSums::floats(c)), row(c);
  BlockSums block(scratch.data(), c);
  for (size_t n = 0; n < size_t(batch); ++n) {
    for (size_t i = 0; i < c; ++i) row[i] = grad[n * c + i] * (1.0f / float(each));
    // All pixels of the row are the same, so the stride is 0.
    FinishMaskedRow(row.data(), 0, nullptr, x + n * each * c, act, true, each, c, to + n * each * c,
                    sums ? &block : nullptr);
    if (sums) block.flush(sums);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::kernels {
HWY_EXPORT(MomentsOf);
HWY_EXPORT(Normalise);
HWY_EXPORT(MaskAndSum);
HWY_EXPORT(Materialise);
HWY_EXPORT(PoolForward);
HWY_EXPORT(PoolBackward);

void moments_of(const float* x, size_t pixels, int channels, Moments* moments) {
  HWY_DYNAMIC_DISPATCH(MomentsOf)(x, pixels, channels, moments);
}
void normalise(const float* x, size_t pixels, int channels, const Activation& act, bool relu,
               float* y) {
  HWY_DYNAMIC_DISPATCH(Normalise)(x, pixels, channels, act, relu, y);
}
void mask_and_sum(const float* x, const float* grad, size_t pixels, int channels,
                  const Activation& act, bool relu, float* d, GradientSums* sums) {
  HWY_DYNAMIC_DISPATCH(MaskAndSum)(x, grad, pixels, channels, act, relu, d, sums);
}
void materialise(const Gradient& gradient, size_t pixels, int channels) {
  HWY_DYNAMIC_DISPATCH(Materialise)(gradient, pixels, channels);
}
void pool_forward(const float* x, int batch, int pixels, int channels, const Activation& act,
                  float* y) {
  HWY_DYNAMIC_DISPATCH(PoolForward)(x, batch, pixels, channels, act, y);
}
void pool_backward(const float* x, const float* grad, int batch, int pixels, int channels,
                   const Activation& act, float* d, GradientSums* sums) {
  HWY_DYNAMIC_DISPATCH(PoolBackward)(x, grad, batch, pixels, channels, act, d, sums);
}

std::vector<int64_t> supported_targets() {
  const auto targets = hwy::SupportedAndGeneratedTargets();
  return {targets.begin(), targets.end()};
}
void force_target(int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace popaug::kernels
#endif  // HWY_ONCE
