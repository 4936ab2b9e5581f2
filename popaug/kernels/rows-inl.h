// Rows of an NHWC tensor on their way into and out of a convolution: what precedes a convolution
// (normalise, ReLU, the backward of a batch norm) is done while a row is read, what follows it
// (addend, ReLU's mask, sums) while a row is written. Included once per target.
#if defined(POPAUG_KERNELS_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef POPAUG_KERNELS_ROWS_INL_H_
#undef POPAUG_KERNELS_ROWS_INL_H_
#else
#define POPAUG_KERNELS_ROWS_INL_H_
#endif

#include <cstring>

#include "hwy/highway.h"
#include "popaug/kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace popaug::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls work(tag, channel) for whole vectors of channels, then for single ones.
template <class Work>
HWY_INLINE void ForChannels(size_t channels, const Work& work) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const size_t lanes = hn::Lanes(d);
  size_t c = 0;
  for (; c + lanes <= channels; c += lanes) work(d, c);
  for (; c < channels; ++c) work(one, c);
}

// relu(scale * (x - mean) + shift) of one vector of channels. The mean is taken off first: with it
// inside the shift, channels whose mean is large against their spread would lose their digits.
template <class D>
struct Norm {
  using V = hn::Vec<D>;
  HWY_INLINE Norm(D d, const Activation& act, size_t c)
      : mean(hn::LoadU(d, act.mean + c)),
        scale(hn::LoadU(d, act.scale + c)),
        shift(hn::LoadU(d, act.shift + c)) {}
  HWY_INLINE V linear(V x) const { return hn::MulAdd(scale, hn::Sub(x, mean), shift); }
  HWY_INLINE V relu(V x) const { return hn::ZeroIfNegative(linear(x)); }
  // v where the ReLU is open at x, else 0.
  HWY_INLINE V mask(V x, V v) const {
    const D d;
    return hn::IfThenElseZero(hn::Gt(linear(x), hn::Zero(d)), v);
  }
  V mean, scale, shift;
};

// to[i * stride] = act(from[i * channels]) for `pixels` pixels.
HWY_INLINE void ActivateRow(const Activation& act, const float* from, size_t pixels,
                            size_t channels, float* to, size_t stride) {
  ForChannels(channels, [&](auto d, size_t c) HWY_ATTR {
    if (act) {
      const Norm norm(d, act, c);
      for (size_t i = 0; i < pixels; ++i) {
        hn::StoreU(norm.relu(hn::LoadU(d, from + i * channels + c)), d, to + i * stride + c);
      }
    } else {
      for (size_t i = 0; i < pixels; ++i) {
        hn::StoreU(hn::LoadU(d, from + i * channels + c), d, to + i * stride + c);
      }
    }
  });
}

// The pixels [first, first + pixels) of a Gradient.
HWY_INLINE void GradientRow(const Gradient& g, size_t first, size_t pixels, size_t channels,
                            float* to, size_t stride) {
  const size_t at = first * channels;
  if (g.grad != nullptr) {
    ActivateRow(Activation(), g.grad + at, pixels, channels, to, stride);
    return;
  }
  ForChannels(channels, [&](auto d, size_t c) HWY_ATTR {
    const auto p = hn::LoadU(d, g.p + c), q = hn::LoadU(d, g.q + c);
    const auto r = hn::LoadU(d, g.r + c), mean = hn::LoadU(d, g.mean + c);
    for (size_t i = 0; i < pixels; ++i) {
      const size_t o = at + i * channels + c;
      auto v = hn::MulAdd(q, hn::Sub(hn::LoadU(d, g.x + o), mean), r);
      v = hn::MulAdd(p, hn::LoadU(d, g.d + o), v);
      if (g.add != nullptr) v = hn::Add(v, hn::LoadU(d, g.add + o));
      if (g.keep != nullptr) hn::StoreU(v, d, g.keep + o);
      if (to != nullptr) hn::StoreU(v, d, to + i * stride + c);
    }
  });
}

// Sums of one block of rows in float, added to the totals in double by flush(). For moments they
// are taken about a value of the block's own, the mean of its first row.
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

  // A row of finished outputs.
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
  ForChannels(channels, [&](auto d, size_t c) HWY_ATTR {
    for (size_t i = 0; i < pixels; ++i) {
      auto v = hn::LoadU(d, from + i * stride + c);
      if (addend != nullptr) v = hn::Add(v, hn::LoadU(d, addend + i * channels + c));
      hn::StoreU(v, d, to + i * channels + c);
    }
  });
  if (sums != nullptr) sums->add_moments(to, pixels);
}

// to = mask of act at x * (from (+ addend)), and its sums.
HWY_INLINE void FinishMaskedRow(const float* from, size_t stride, const float* addend,
                                const float* x, const Activation& act, bool relu, size_t pixels,
                                size_t channels, float* to, BlockSums* sums) {
  ForChannels(channels, [&](auto d, size_t c) HWY_ATTR {
    const Norm norm(d, act, c);
    auto a = hn::Zero(d), b = hn::Zero(d);
    for (size_t i = 0; i < pixels; ++i) {
      auto v = hn::LoadU(d, from + i * stride + c);
      if (addend != nullptr) v = hn::Add(v, hn::LoadU(d, addend + i * channels + c));
      const auto at = hn::LoadU(d, x + i * channels + c);
      if (relu) v = norm.mask(at, v);
      hn::StoreU(v, d, to + i * channels + c);
      a = hn::Add(a, v);
      b = hn::MulAdd(v, hn::Sub(at, norm.mean), b);
    }
    if (sums != nullptr) {
      hn::StoreU(hn::Add(a, hn::LoadU(d, sums->s1() + c)), d, sums->s1() + c);
      hn::StoreU(hn::Add(b, hn::LoadU(d, sums->s2() + c)), d, sums->s2() + c);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace popaug::kernels
HWY_AFTER_NAMESPACE();

#endif  // POPAUG_KERNELS_ROWS_INL_H_
