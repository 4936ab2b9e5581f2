// Reads and writes rows of an NHWC tensor for a convolution. What precedes the convolution
// (normalise, ReLU, the backward of a batch norm) is done while a row is read; what follows it
// (addend, mask of the ReLU, sums) is done while a row is written. Included once per target.
#if defined(POPAUG_KERNELS_INTERNAL_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POPAUG_KERNELS_INTERNAL_ROWS_INL_H_
#undef POPAUG_KERNELS_INTERNAL_ROWS_INL_H_
#else
#define POPAUG_KERNELS_INTERNAL_ROWS_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "popaug/kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#ifndef POPAUG_UNROLL
#if defined(__clang__)
#define POPAUG_UNROLL _Pragma("clang loop unroll(full)")
#else
#define POPAUG_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

// Calls work(tag, channel) for what whole vectors leave over: half a vector, then single channels.
template <class Work>
HWY_INLINE void ForLastChannels(size_t c, size_t channels, const Work& work) {
#if HWY_TARGET <= HWY_AVX3
  if (c + 8 <= channels) {
    work(hn::CappedTag<float, 8>(), c);
    c += 8;
  }
#endif
  for (; c < channels; ++c) work(hn::CappedTag<float, 1>(), c);
}

// Calls work(tag, channel) for whole vectors of channels, then for the last ones.
template <class Work>
HWY_INLINE void ForChannels(size_t channels, const Work& work) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t c = 0;
  for (; c + lanes <= channels; c += lanes) work(d, c);
  ForLastChannels(c, channels, work);
}

// The number of channel vectors that a pass over pixels processes at once. A pass that took one
// vector of each pixel would skip through memory, and the hardware prefetchers would not follow.
#if HWY_TARGET <= HWY_AVX3
inline constexpr size_t kGroup = 4;
#else
inline constexpr size_t kGroup = 2;
#endif

// The number of vectors in a group, as a type.
template <size_t kCount>
struct Vectors {
  static constexpr size_t count = kCount;
};

// Calls work(tag, channel, Vectors<n>) for groups of n vectors, then for the last channels.
template <class Work>
HWY_INLINE void ForGroups(size_t channels, const Work& work) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t c = 0;
  for (; c + kGroup * lanes <= channels; c += kGroup * lanes) work(d, c, Vectors<kGroup>());
  for (; c + 2 * lanes <= channels; c += 2 * lanes) work(d, c, Vectors<2>());
  for (; c + lanes <= channels; c += lanes) work(d, c, Vectors<1>());
  ForLastChannels(c, channels,
                  [&](auto last, size_t at) HWY_ATTR { work(last, at, Vectors<1>()); });
}

// The largest value of kRelu6.
inline constexpr float kSix = 6;

// clip(v). NaN passes whatever its sign bit is: a diverged training must show in the loss.
// (ZeroIfNegative looks only at the sign bit, which the NaN of Inf - Inf has set.)
template <Clip kClip, class D, class V = hn::Vec<D>>
HWY_INLINE V Clipped(D d, V v) {
  if constexpr (kClip != Clip::kNone) v = hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v);
  if constexpr (kClip == Clip::kRelu6) {
    const V six = hn::Set(d, kSix);
    v = hn::IfThenElse(hn::Gt(v, six), six, v);
  }
  return v;
}

// Returns 0 where the gradient of clip is 0 at v, or at an output v of clip, otherwise w.
template <Clip kClip, class D, class V = hn::Vec<D>>
HWY_INLINE V Masked(D d, V v, V w) {
  if constexpr (kClip != Clip::kNone) w = hn::IfThenZeroElse(hn::Le(v, hn::Zero(d)), w);
  if constexpr (kClip == Clip::kRelu6) w = hn::IfThenZeroElse(hn::Ge(v, hn::Set(d, kSix)), w);
  return w;
}

template <Clip kClip>
struct ClipConstant {
  static constexpr Clip value = kClip;
};

// Calls work(ClipConstant<clip>).
template <class Work>
HWY_INLINE void ForClip(Clip clip, const Work& work) {
  switch (clip) {
    case Clip::kNone:
      return work(ClipConstant<Clip::kNone>());
    case Clip::kRelu:
      return work(ClipConstant<Clip::kRelu>());
    case Clip::kRelu6:
      return work(ClipConstant<Clip::kRelu6>());
  }
}

// scale * (x - mean) + shift of one vector of channels; x itself where the activation has no norm.
// The mean is subtracted first: if it were part of the shift, channels whose mean is large compared
// with their spread would lose digits.
template <class D, bool kNormed = true>
struct Norm {
  using V = hn::Vec<D>;
  Norm() = default;
  HWY_INLINE Norm(D d, const Activation& act, size_t c) {
    if constexpr (kNormed) {
      mean = hn::LoadU(d, act.mean + c);
      scale = hn::LoadU(d, act.scale + c);
      shift = hn::LoadU(d, act.shift + c);
    }
  }
  HWY_INLINE V linear(V x) const {
    if constexpr (kNormed) return hn::MulAdd(scale, hn::Sub(x, mean), shift);
    return x;
  }
  V mean, scale, shift;
};

template <Clip kClip>
HWY_NOINLINE void NormRow(const Activation& act, const float* from, size_t pixels, size_t channels,
                          float* to, size_t stride) {
  ForGroups(channels, [&](auto d, size_t c, auto group) HWY_ATTR {
    constexpr size_t kCount = decltype(group)::count;
    const size_t lanes = hn::Lanes(d);
    Norm<decltype(d)> norm[kCount];
    POPAUG_UNROLL
    for (size_t v = 0; v < kCount; ++v) norm[v] = {d, act, c + v * lanes};
    const float* in = from + c;
    float* out = to + c;
    for (size_t i = 0; i < pixels; ++i, in += channels, out += stride) {
      POPAUG_UNROLL
      for (size_t v = 0; v < kCount; ++v) {
        const auto x = hn::LoadU(d, in + v * lanes);
        hn::StoreU(Clipped<kClip>(d, norm[v].linear(x)), d, out + v * lanes);
      }
    }
  });
}

// to[i * stride] = act(from[i * channels]) for `pixels` pixels.
HWY_INLINE void ActivateRow(const Activation& act, const float* from, size_t pixels,
                            size_t channels, float* to, size_t stride) {
  if (!act) {
    for (size_t i = 0; i < pixels; ++i) {
      std::memcpy(to + i * stride, from + i * channels, channels * sizeof(float));
    }
    return;
  }
  ForClip(act.clip, [&](auto clip) HWY_ATTR {
    NormRow<decltype(clip)::value>(act, from, pixels, channels, to, stride);
  });
}

// The pixels [first, first + pixels) of a Gradient.
HWY_INLINE void GradientRow(const Gradient& g, size_t first, size_t pixels, size_t channels,
                            float* to, size_t stride) {
  const size_t at = first * channels;
  if (g.grad != nullptr) {
    if (to == nullptr) return;
    ActivateRow(Activation(), g.grad + at, pixels, channels, to, stride);
    return;
  }
  ForGroups(channels, [&](auto d, size_t c, auto group) HWY_ATTR {
    constexpr size_t kCount = decltype(group)::count;
    const size_t lanes = hn::Lanes(d);
    hn::Vec<decltype(d)> p[kCount], q[kCount], r[kCount], mean[kCount];
    POPAUG_UNROLL
    for (size_t v = 0; v < kCount; ++v) {
      p[v] = hn::LoadU(d, g.p + c + v * lanes);
      q[v] = hn::LoadU(d, g.q + c + v * lanes);
      r[v] = hn::LoadU(d, g.r + c + v * lanes);
      mean[v] = hn::LoadU(d, g.mean + c + v * lanes);
    }
    for (size_t i = 0; i < pixels; ++i) {
      POPAUG_UNROLL
      for (size_t v = 0; v < kCount; ++v) {
        const size_t o = at + i * channels + c + v * lanes;
        auto w = hn::MulAdd(q[v], hn::Sub(hn::LoadU(d, g.x + o), mean[v]), r[v]);
        w = hn::MulAdd(p[v], hn::LoadU(d, g.d + o), w);
        if (g.add != nullptr) w = hn::Add(w, hn::LoadU(d, g.add + o));
        if (g.keep != nullptr) hn::StoreU(w, d, g.keep + o);
        if (to != nullptr) hn::StoreU(w, d, to + i * stride + c + v * lanes);
      }
    }
  });
}

// Sums of one block of rows in float; flush() adds them to the totals in double. Moments are taken
// about a value of the block's own, the mean of its first row.
class BlockSums {
 public:
  static size_t floats(size_t channels) { return 3 * channels; }
  BlockSums(float* scratch, size_t channels)
      : channels_(channels), shift_(scratch), s1_(shift_ + channels), s2_(s1_ + channels) {
    clear();
  }
  void clear() {
    count_ = 0;
    std::memset(shift_, 0, 3 * channels_ * sizeof(float));
  }

  // Adds a row of finished outputs.
  HWY_INLINE void add_moments(const float* row, size_t pixels) {
    const bool first = count_ == 0;
    count_ += pixels;
    ForChannels(channels_, [&](auto d, size_t c) HWY_ATTR {
      if (first) {
        auto total = hn::Zero(d);
        for (size_t i = 0; i < pixels; ++i) {
          total = hn::Add(total, hn::LoadU(d, row + i * channels_ + c));
        }
        hn::StoreU(hn::Mul(total, hn::Set(d, 1.0f / float(pixels))), d, shift_ + c);
      }
      const auto shift = hn::LoadU(d, shift_ + c);
      auto a = hn::Zero(d), b = hn::Zero(d);
      for (size_t i = 0; i < pixels; ++i) {
        const auto v = hn::Sub(hn::LoadU(d, row + i * channels_ + c), shift);
        a = hn::Add(a, v);
        b = hn::MulAdd(v, v, b);
      }
      hn::StoreU(hn::Add(a, hn::LoadU(d, s1_ + c)), d, s1_ + c);
      hn::StoreU(hn::Add(b, hn::LoadU(d, s2_ + c)), d, s2_ + c);
    });
  }

  // Chan, Golub and LeVeque's formula for the moments of a union.
  void flush(Moments* total) {
    if (count_ == 0) return;
    const double n = double(count_), before = total->count, all = before + n;
    for (size_t c = 0; c < channels_; ++c) {
      const double mean = double(s1_[c]) / n;
      const double delta = double(shift_[c]) + mean - total->mean[c];
      total->m2[c] += double(s2_[c]) - mean * double(s1_[c]) + delta * delta * before * n / all;
      total->mean[c] += delta * n / all;
    }
    total->count = all;
    clear();
  }
  void flush(GradientSums* total) {
    for (size_t c = 0; c < channels_; ++c) {
      total->sum[c] += double(s1_[c]);
      total->dot[c] += double(s2_[c]);
    }
    clear();
  }
  float* s1() { return s1_; }
  float* s2() { return s2_; }

 private:
  size_t channels_, count_ = 0;
  float *shift_, *s1_, *s2_;
};

// to = from (+ addend).
HWY_INLINE void FinishRow(const float* from, size_t stride, const float* addend, size_t pixels,
                          size_t channels, float* to, BlockSums* sums) {
  ForGroups(channels, [&](auto d, size_t c, auto group) HWY_ATTR {
    constexpr size_t kCount = decltype(group)::count;
    const size_t lanes = hn::Lanes(d);
    for (size_t i = 0; i < pixels; ++i) {
      POPAUG_UNROLL
      for (size_t v = 0; v < kCount; ++v) {
        const size_t o = i * channels + c + v * lanes;
        auto w = hn::LoadU(d, from + i * stride + c + v * lanes);
        if (addend != nullptr) w = hn::Add(w, hn::LoadU(d, addend + o));
        hn::StoreU(w, d, to + o);
      }
    }
  });
  if (sums != nullptr) sums->add_moments(to, pixels);
}

// What a row of a gradient of act(x) is masked by and summed with. x and `about` start at the row;
// `about` is x where act has a norm.
struct MaskRow {
  const float* x;
  const Activation* act;
  const float* about;
  const float* about_mean;
};

template <Clip kClip, bool kNormed>
HWY_NOINLINE void FinishRowMasked(const float* from, size_t stride, const float* addend,
                                  const MaskRow& mask, size_t pixels, size_t channels, float* to,
                                  BlockSums* sums) {
  ForGroups(channels, [&](auto d, size_t c, auto group) HWY_ATTR {
    constexpr size_t kCount = decltype(group)::count;
    const size_t lanes = hn::Lanes(d);
    Norm<decltype(d), kNormed> norm[kCount];
    hn::Vec<decltype(d)> a[kCount], b[kCount], mean[kCount];
    POPAUG_UNROLL
    for (size_t v = 0; v < kCount; ++v) {
      norm[v] = {d, *mask.act, c + v * lanes};
      a[v] = b[v] = hn::Zero(d);
      mean[v] = mask.about_mean ? hn::LoadU(d, mask.about_mean + c + v * lanes) : hn::Zero(d);
    }
    for (size_t i = 0; i < pixels; ++i) {
      POPAUG_UNROLL
      for (size_t v = 0; v < kCount; ++v) {
        const size_t o = i * channels + c + v * lanes;
        auto w = hn::LoadU(d, from + i * stride + c + v * lanes);
        if (addend != nullptr) w = hn::Add(w, hn::LoadU(d, addend + o));
        const auto x = hn::LoadU(d, mask.x + o);
        w = Masked<kClip>(d, norm[v].linear(x), w);
        hn::StoreU(w, d, to + o);
        a[v] = hn::Add(a[v], w);
        const auto about = kNormed ? x : hn::LoadU(d, mask.about + o);
        b[v] = hn::MulAdd(w, hn::Sub(about, mean[v]), b[v]);
      }
    }
    if (sums == nullptr) return;
    POPAUG_UNROLL
    for (size_t v = 0; v < kCount; ++v) {
      float *s1 = sums->s1() + c + v * lanes, *s2 = sums->s2() + c + v * lanes;
      hn::StoreU(hn::Add(a[v], hn::LoadU(d, s1)), d, s1);
      hn::StoreU(hn::Add(b[v], hn::LoadU(d, s2)), d, s2);
    }
  });
}

// Stores rows of the gradient of act(x): to = mask of act's clip at x * (from (+ addend)), and its
// sums.
class GradientWriter {
 public:
  GradientWriter(const float* x, const Activation& act, const float* addend, float* d,
                 GradientSums* sums, float* scratch, size_t channels)
      : x_(x),
        act_(act),
        addend_(addend),
        d_(d),
        total_(sums),
        channels_(channels),
        about_(act || sums == nullptr || sums->x == nullptr ? x : sums->x),
        mean_(act || sums == nullptr ? act.mean : sums->mean),
        sums_(scratch, channels) {}
  static size_t floats(size_t channels) { return BlockSums::floats(channels); }

  // The pixels [first, first + pixels) of the tensor.
  HWY_INLINE void write(size_t first, size_t pixels, const float* from, size_t stride) {
    const size_t at = first * channels_;
    const float* addend = addend_ ? addend_ + at : nullptr;
    BlockSums* sums = total_ != nullptr ? &sums_ : nullptr;
    if (!act_ && act_.clip == Clip::kNone && sums == nullptr) {
      FinishRow(from, stride, addend, pixels, channels_, d_ + at, nullptr);
      return;
    }
    const MaskRow mask{x_ + at, &act_, about_ + at, mean_};
    ForClip(act_.clip, [&](auto clip) HWY_ATTR {
      const auto run = act_ ? FinishRowMasked<decltype(clip)::value, true>
                            : FinishRowMasked<decltype(clip)::value, false>;
      run(from, stride, addend, mask, pixels, channels_, d_ + at, sums);
    });
  }
  void flush() {
    if (total_ != nullptr) sums_.flush(total_);
  }

 private:
  const float* x_;
  const Activation& act_;
  const float* addend_;
  float* d_;
  GradientSums* total_;
  size_t channels_;
  const float *about_, *mean_;
  BlockSums sums_;
};

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#endif  // POPAUG_KERNELS_INTERNAL_ROWS_INL_H_
