// Batch normalisation, clips, residual sums and mean pooling that are not fused into a convolution.
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

void Normalise(const float* x, size_t pixels, int channels, const Activation& act, float* y) {
  const size_t all = size_t(channels);
  ForRuns(pixels, [&](size_t i, size_t n)
                      HWY_ATTR { ActivateRow(act, x + i * all, n, all, y + i * all, all); });
}

template <Clip kClip, bool kOtherNormed, Clip kOtherClip>
HWY_NOINLINE void AddRow(const float* x, const Activation& act, const float* z,
                         const Activation& other, size_t pixels, size_t channels, float* y) {
  ForGroups(channels, [&](auto d, size_t c, auto group) HWY_ATTR {
    constexpr size_t kCount = decltype(group)::count;
    const size_t lanes = hn::Lanes(d);
    Norm<decltype(d)> norm[kCount];
    Norm<decltype(d), kOtherNormed> other_norm[kCount];
    POPAUG_UNROLL
    for (size_t v = 0; v < kCount; ++v) {
      norm[v] = {d, act, c + v * lanes};
      other_norm[v] = {d, other, c + v * lanes};
    }
    for (size_t i = 0; i < pixels; ++i) {
      POPAUG_UNROLL
      for (size_t v = 0; v < kCount; ++v) {
        const size_t o = i * channels + c + v * lanes;
        const auto second = Clipped<kOtherClip>(d, other_norm[v].linear(hn::LoadU(d, z + o)));
        const auto sum = hn::Add(norm[v].linear(hn::LoadU(d, x + o)), second);
        hn::StoreU(Clipped<kClip>(d, sum), d, y + o);
      }
    }
  });
}

// Without a norm, the clip of `other` has been applied already.
template <Clip kClip>
auto AddRowOf(const Activation& other) {
  if (!other) return AddRow<kClip, false, Clip::kNone>;
  if (other.clip == Clip::kNone) return AddRow<kClip, true, Clip::kNone>;
  return other.clip == Clip::kRelu ? AddRow<kClip, true, Clip::kRelu>
                                   : AddRow<kClip, true, Clip::kRelu6>;
}

void Add(const float* x, const Activation& act, const float* z, const Activation& other, Clip clip,
         size_t pixels, int channels, float* y) {
  const size_t all = size_t(channels);
  ForClip(clip, [&](auto kind) HWY_ATTR {
    AddRowOf<decltype(kind)::value>(other)(x, act, z, other, pixels, all, y);
  });
}

void MaskAndSum(const float* x, const float* grad, size_t pixels, int channels,
                const Activation& act, float* to, GradientSums* sums) {
  const size_t c = size_t(channels);
  std::vector<float> scratch(GradientWriter::floats(c));
  GradientWriter writer(x, act, nullptr, to, sums, scratch.data(), c);
  ForRuns(pixels, [&](size_t i, size_t n) HWY_ATTR {
    writer.write(i, n, grad + i * c, c);
    if (i / kRun % kRunsPerFlush == kRunsPerFlush - 1) writer.flush();
  });
  writer.flush();
}

void Materialise(const Gradient& gradient, size_t pixels, int channels) {
  ForRuns(pixels, [&](size_t i, size_t n)
                      HWY_ATTR { GradientRow(gradient, i, n, size_t(channels), nullptr, 0); });
}

void PoolForward(const float* x, int batch, int pixels, int channels, const Activation& act,
                 float* y) {
  const size_t all = size_t(channels), each = size_t(pixels);
  std::vector<float> active(kRun * all);
  for (size_t n = 0; n < size_t(batch); ++n) {
    float* to = y + n * all;
    std::memset(to, 0, all * sizeof(float));
    ForRuns(each, [&](size_t i, size_t count) HWY_ATTR {
      const float* rows = x + (n * each + i) * all;
      if (act) {
        ActivateRow(act, rows, count, all, active.data(), all);
        rows = active.data();
      }
      ForChannels(all, [&](auto d, size_t c) HWY_ATTR {
        auto sum = hn::LoadU(d, to + c);
        for (size_t p = 0; p < count; ++p) sum = hn::Add(sum, hn::LoadU(d, rows + p * all + c));
        hn::StoreU(sum, d, to + c);
      });
    });
    for (size_t c = 0; c < all; ++c) to[c] *= 1.0f / float(each);
  }
}

void PoolBackward(const float* x, const float* grad, int batch, int pixels, int channels,
                  const Activation& act, float* to, GradientSums* sums) {
  const size_t c = size_t(channels), each = size_t(pixels);
  std::vector<float> scratch(GradientWriter::floats(c)), row(c);
  GradientWriter writer(x, act, nullptr, to, sums, scratch.data(), c);
  for (size_t n = 0; n < size_t(batch); ++n) {
    for (size_t i = 0; i < c; ++i) row[i] = grad[n * c + i] * (1.0f / float(each));
    writer.write(n * each, each, row.data(), 0);  // stride 0: all pixels get the same
    writer.flush();
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace popaug::kernels {
HWY_EXPORT(MomentsOf);
HWY_EXPORT(Normalise);
HWY_EXPORT(Add);
HWY_EXPORT(MaskAndSum);
HWY_EXPORT(Materialise);
HWY_EXPORT(PoolForward);
HWY_EXPORT(PoolBackward);

void moments_of(const float* x, size_t pixels, int channels, Moments* moments) {
  HWY_DYNAMIC_DISPATCH(MomentsOf)(x, pixels, channels, moments);
}
void normalise(const float* x, size_t pixels, int channels, const Activation& act, float* y) {
  HWY_DYNAMIC_DISPATCH(Normalise)(x, pixels, channels, act, y);
}
void add(const float* x, const Activation& act, const float* z, const Activation& other, Clip clip,
         size_t pixels, int channels, float* y) {
  HWY_DYNAMIC_DISPATCH(Add)(x, act, z, other, clip, pixels, channels, y);
}
void mask_and_sum(const float* x, const float* grad, size_t pixels, int channels,
                  const Activation& act, float* d, GradientSums* sums) {
  HWY_DYNAMIC_DISPATCH(MaskAndSum)(x, grad, pixels, channels, act, d, sums);
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
