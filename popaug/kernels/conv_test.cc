#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <thread>

#include "popaug/kernels/kernels.h"

namespace popaug::kernels {
namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

// Seeded uniform numbers in [low, high).
class Numbers {
 public:
  explicit Numbers(uint32_t seed) : state_(seed * 2654435761u + 12345u) {}
  float next(float low, float high) {
    state_ = state_ * 1664525u + 1013904223u;
    return low + (high - low) * float(state_ >> 8) / 16777216.0f;
  }
  Floats many(size_t n, float low = -1, float high = 1) {
    Floats v(n);
    for (float& f : v) f = next(low, high);
    return v;
  }

 private:
  uint32_t state_;
};

Doubles wide(const Floats& v) { return {v.begin(), v.end()}; }

// Norm of the difference over the norm of what is right.
double error(const Floats& got, const Doubles& want) {
  double difference = 0, norm = 1e-300;
  for (size_t i = 0; i < want.size(); ++i) {
    difference += (double(got[i]) - want[i]) * (double(got[i]) - want[i]);
    norm += want[i] * want[i];
  }
  return std::sqrt(difference / norm);
}
double error(const Doubles& got, const Doubles& want) {
  double difference = 0, norm = 1e-300;
  for (size_t i = 0; i < want.size(); ++i) {
    difference += (got[i] - want[i]) * (got[i] - want[i]);
    norm += want[i] * want[i];
  }
  return std::sqrt(difference / norm);
}

std::string name_of(const ConvShape& s) {
  return std::to_string(s.batch) + "x" + std::to_string(s.height) + "x" + std::to_string(s.width) +
         " " + std::to_string(s.in) + "->" + std::to_string(s.out) + " k" +
         std::to_string(s.kernel) + " s" + std::to_string(s.stride) + (s.same ? " same" : "") +
         (s.depthwise ? " depthwise" : "");
}

// Sides that are and are not multiples of the tile, channels that are and are not of any vector's
// length, blocks that end within an image or hold several, every kind of kernel, stride and
// padding.
const std::vector<ConvShape> kShapes = {
    {2, 8, 8, 16, 32, 3, 1},       {1, 7, 5, 8, 8, 3, 1},     {3, 9, 13, 17, 19, 3, 1},
    {1, 1, 1, 9, 3, 3, 1},         {5, 4, 4, 128, 64, 3, 1},  {2, 33, 30, 12, 20, 3, 1},
    {2, 3, 40, 64, 65, 3, 1},      {9, 8, 8, 24, 130, 3, 1},  {2, 8, 8, 3, 16, 3, 1},
    {1, 5, 7, 1, 5, 3, 1},         {2, 8, 8, 32, 64, 3, 2},   {3, 7, 9, 10, 6, 3, 2},
    {2, 8, 8, 32, 64, 1, 2},       {1, 9, 7, 13, 21, 1, 2},   {2, 6, 6, 16, 32, 1, 1},
    {1, 1, 1, 4, 4, 3, 2},         {4, 28, 28, 16, 16, 3, 1}, {1, 2, 2, 40, 8, 1, 1},
    {7, 3, 3, 48, 70, 3, 2},       {9, 5, 6, 300, 40, 1, 1},  {3, 1, 1, 20, 24, 3, 1},
    {2, 20, 21, 3, 24, 7, 2},      {2, 9, 8, 6, 10, 5, 1},    {3, 7, 10, 3, 32, 3, 2, true},
    {2, 8, 8, 40, 33, 3, 2, true}, {5, 3, 3, 40, 33, 3, 1},   {4, 2, 3, 24, 280, 3, 1},
    {40, 2, 2, 300, 24, 3, 1},     {3, 1, 3, 17, 40, 3, 1}};
const std::vector<ConvShape> kDepthwise = {
    {2, 8, 8, 16, 16, 3, 1, false, true},  {3, 7, 9, 19, 19, 3, 1, false, true},
    {1, 1, 1, 5, 5, 3, 1, false, true},    {2, 8, 7, 40, 40, 3, 2, false, true},
    {2, 8, 7, 24, 24, 3, 2, true, true},   {3, 5, 5, 72, 72, 5, 1, false, true},
    {2, 11, 6, 33, 33, 5, 2, false, true}, {2, 12, 9, 32, 32, 5, 2, true, true},
    {1, 1, 2, 3, 3, 5, 2, true, true},     {2, 40, 37, 8, 8, 5, 1, true, true},
    {4, 2, 3, 130, 130, 3, 2, true, true}};

std::vector<ConvShape> all_shapes() {
  std::vector<ConvShape> all = kShapes;
  all.insert(all.end(), kDepthwise.begin(), kDepthwise.end());
  return all;
}

// What a convolution within a network is given, and its answer in double.
struct Case {
  explicit Case(const ConvShape& s, Clip kind = Clip::kRelu, uint32_t seed = 1)
      : shape(s), clip(kind) {
    Numbers numbers(seed + uint32_t(s.in * 131 + s.out * 17 + s.height));
    const size_t in = size_t(s.in), out = size_t(s.out);
    x = numbers.many(s.in_pixels() * in, -2, 3);
    weights = numbers.many(s.weights(), -0.5f, 0.5f);
    mean = numbers.many(in, 0, 1);
    scale = numbers.many(in, 0.25f, clip == Clip::kRelu6 ? 5 : 1.5f);
    shift = numbers.many(in, -0.5f, 0.5f);
    y_addend = numbers.many(s.out_pixels() * out);
    d_addend = numbers.many(s.in_pixels() * in);
    d_out = numbers.many(s.out_pixels() * out);
    x_out = numbers.many(s.out_pixels() * out, 0, 4);
    p = numbers.many(out, 0.5f, 1.5f);
    q = numbers.many(out, -0.2f, 0.2f);
    r = numbers.many(out, -0.1f, 0.1f);
    out_mean = numbers.many(out, 1.5f, 2.5f);
    z = plain::activated(wide(x), wide(mean), wide(scale), wide(shift), clip);
    y = plain::conv_forward(s, z, wide(weights));
    for (size_t i = 0; i < y.size(); ++i) y[i] += double(y_addend[i]);
    grad.resize(y.size());
    for (size_t i = 0; i < y.size(); ++i) {
      const size_t c = i % out;
      grad[i] = double(y_addend[i]) + double(p[c]) * double(d_out[i]) +
                double(q[c]) * (double(x_out[i]) - double(out_mean[c])) + double(r[c]);
    }
    dweights = plain::conv_backward_weights(s, z, grad);
    d = plain::conv_backward_data(s, grad, wide(weights));
    sum.resize(in);
    dot.resize(in);
    for (size_t i = 0; i < d.size(); ++i) d[i] += double(d_addend[i]);
    d = plain::masked(d, z, clip);
    for (size_t i = 0; i < d.size(); ++i) {
      const size_t c = i % in;
      sum[c] += d[i];
      dot[c] += d[i] * (double(x[i]) - double(mean[c]));
    }
  }
  Activation act() const { return {mean.data(), scale.data(), shift.data(), clip}; }
  Gradient gradient(float* keep) const {
    return {nullptr,  y_addend.data(), d_out.data(),    x_out.data(), p.data(),
            q.data(), r.data(),        out_mean.data(), keep};
  }
  ConvShape shape;
  Clip clip;
  Floats x, weights, mean, scale, shift, y_addend, d_addend, d_out, x_out, p, q, r, out_mean;
  Doubles z, y, grad, dweights, d, sum, dot;
};

class EveryTarget : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { force_target(GetParam()); }
  void TearDown() override { force_target(0); }
};

// Winograd's rounding at these sizes; direct products lie far below it.
constexpr double kTolerance = 3e-6;

TEST_P(EveryTarget, ForwardEqualsTheTwin) {
  Workspace workspace;
  for (const ConvShape& shape : all_shapes()) {
    for (const Clip clip : {Clip::kNone, Clip::kRelu, Clip::kRelu6}) {
      SCOPED_TRACE(name_of(shape) + " clip " + std::to_string(int(clip)));
      const Case c(shape, clip);
      Weights weights;
      weights.pack(shape, c.weights.data());
      Floats y(c.y.size());
      Moments moments(shape.out);
      conv_forward(shape, c.x.data(), c.act(), weights, c.y_addend.data(), y.data(), &moments,
                   workspace);
      EXPECT_LT(error(y, c.y), kTolerance);
      const Doubles want = plain::moments(wide(y), shape.out);
      EXPECT_EQ(moments.count, double(shape.out_pixels()));
      const size_t out = size_t(shape.out);
      EXPECT_LT(error(moments.mean, Doubles(want.begin(), want.begin() + int64_t(out))), 1e-6);
      if (shape.out_pixels() > 1) {
        EXPECT_LT(error(moments.m2, Doubles(want.begin() + int64_t(out), want.end())), 1e-6);
      }

      Floats bare(c.y.size());
      conv_forward(shape, c.x.data(), Activation(), weights, nullptr, bare.data(), nullptr,
                   workspace);
      EXPECT_LT(error(bare, plain::conv_forward(shape, wide(c.x), wide(c.weights))), kTolerance);
    }
  }
}

TEST_P(EveryTarget, BackwardEqualsTheTwin) {
  Workspace workspace;
  for (const ConvShape& shape : all_shapes()) {
    for (const Clip clip : {Clip::kNone, Clip::kRelu, Clip::kRelu6}) {
      SCOPED_TRACE(name_of(shape) + " clip " + std::to_string(int(clip)));
      const Case c(shape, clip);
      Weights weights;
      weights.pack(shape, c.weights.data());
      Floats keep(c.grad.size()), dweights(c.dweights.size()), d(c.d.size());
      GradientSums sums(shape.in);
      conv_backward(shape, c.x.data(), c.act(), weights, c.gradient(keep.data()), dweights.data(),
                    c.d_addend.data(), d.data(), &sums, workspace);
      EXPECT_LT(error(keep, c.grad), 1e-6);
      EXPECT_LT(error(dweights, c.dweights), kTolerance);
      EXPECT_LT(error(d, c.d), kTolerance);
      EXPECT_LT(error(sums.sum, c.sum), 2 * kTolerance);
      EXPECT_LT(error(sums.dot, c.dot), 2 * kTolerance);

      // Each output alone, the addend in place, and the gradient given as it is.
      Gradient given;
      given.grad = keep.data();
      Floats only_weights(dweights.size()), only_d = c.d_addend;
      conv_backward(shape, c.x.data(), c.act(), weights, given, only_weights.data(), nullptr,
                    nullptr, nullptr, workspace);
      EXPECT_EQ(only_weights, dweights);
      conv_backward(shape, c.x.data(), c.act(), weights, given, nullptr, only_d.data(),
                    only_d.data(), nullptr, workspace);
      EXPECT_EQ(only_d, d);
      conv_backward(shape, c.x.data(), Activation(), weights, given, nullptr, nullptr, d.data(),
                    nullptr, workspace);
      const Doubles plain = plain::conv_backward_data(shape, wide(keep), wide(c.weights));
      EXPECT_LT(error(d, plain), kTolerance);

      // x as the output of its activation, with sums about another tensor.
      Floats z(c.z.begin(), c.z.end());
      Activation made;
      made.clip = clip;
      GradientSums about(shape.in);
      about.x = c.x.data();
      about.mean = c.mean.data();
      conv_backward(shape, z.data(), made, weights, c.gradient(nullptr), dweights.data(),
                    c.d_addend.data(), d.data(), &about, workspace);
      EXPECT_LT(error(dweights, c.dweights), kTolerance);
      EXPECT_LT(error(d, plain::masked(c.d, wide(z), clip)), kTolerance);
      EXPECT_LT(error(about.sum, c.sum), 2 * kTolerance);
      EXPECT_LT(error(about.dot, c.dot), 2 * kTolerance);
    }
  }
}

TEST_P(EveryTarget, RepeatsGiveTheSameBytesWhateverTheWorkspaceHeld) {
  for (const ConvShape& shape :
       {ConvShape{3, 9, 13, 17, 19, 3, 1}, ConvShape{3, 9, 13, 17, 19, 3, 2},
        ConvShape{3, 9, 13, 17, 19, 1, 1}, ConvShape{3, 9, 13, 17, 17, 5, 2, true, true}}) {
    SCOPED_TRACE(name_of(shape));
    const Case c(shape);
    Weights weights;
    weights.pack(shape, c.weights.data());
    const auto run = [&](Workspace& workspace) {
      Floats result(c.y.size() + c.d.size() + c.dweights.size());
      Moments moments(shape.out);
      GradientSums sums(shape.in);
      conv_forward(shape, c.x.data(), c.act(), weights, nullptr, result.data(), &moments,
                   workspace);
      conv_backward(shape, c.x.data(), c.act(), weights, c.gradient(nullptr),
                    result.data() + c.y.size() + c.d.size(), nullptr, result.data() + c.y.size(),
                    &sums, workspace);
      for (double v : moments.m2) result.push_back(float(v));
      for (double v : sums.dot) result.push_back(float(v));
      return result;
    };
    Workspace fresh, used(1 << 20);
    const float garbage = std::nanf("");
    for (size_t i = 0; i < used.size(); ++i) used.data()[i] = garbage;
    const Floats first = run(fresh), second = run(used);
    EXPECT_EQ(0, std::memcmp(first.data(), second.data(), first.size() * sizeof(float)));
    Floats beside[2];
    std::thread other([&] {
      Workspace own;
      beside[1] = run(own);
    });
    beside[0] = run(fresh);
    other.join();
    EXPECT_EQ(first, beside[0]);
    EXPECT_EQ(first, beside[1]);
  }
}

TEST_P(EveryTarget, MomentsKeepTheirDigitsWhenTheMeanIsLarge) {
  Numbers numbers(7);
  for (const int channels : {1, 16, 21}) {
    // Spread 1 about 4096, and an outlier first, where a careless shift would sit.
    Floats x = numbers.many(size_t(channels) * 5000, 4096 - 1, 4096 + 1);
    x[0] = 0;
    const Doubles want = plain::moments(wide(x), channels);
    Moments got(channels);
    moments_of(x.data(), 5000, channels, &got);
    for (size_t c = 0; c < size_t(channels); ++c) {
      EXPECT_NEAR(got.mean[c], want[c], 1e-3);
      const double m2 = want[size_t(channels) + c];
      EXPECT_NEAR(got.m2[c] / m2, 1, 1e-4) << channels << " channels, channel " << c;
    }
  }
}

TEST_P(EveryTarget, NormaliseMaskAndPoolEqualTheTwin) {
  for (const int channels : {3, 16, 40}) {
    const int batch = 3, pixels = 35;
    const Case c({batch, 5, 7, channels, 4, 1, 1});
    const size_t n = size_t(batch * pixels), all = size_t(channels);
    Floats y(c.x.size());
    normalise(c.x.data(), n, channels, c.act(), y.data());
    EXPECT_LT(error(y, c.z), 1e-6);
    Activation linear = c.act();
    linear.clip = Clip::kNone;
    normalise(c.x.data(), n, channels, linear, y.data());
    for (size_t i = 0; i < y.size(); ++i) {
      const size_t k = i % all;
      ASSERT_NEAR(y[i], c.scale[k] * (c.x[i] - c.mean[k]) + c.shift[k], 1e-5);
    }

    Floats pooled(size_t(batch) * all);
    pool_forward(c.x.data(), batch, pixels, channels, c.act(), pooled.data());
    Doubles mean(pooled.size());
    for (size_t i = 0; i < c.z.size(); ++i) {
      mean[i / (all * size_t(pixels)) * all + i % all] += c.z[i] / pixels;
    }
    EXPECT_LT(error(pooled, mean), 1e-6);

    // From the pooled gradient; then the same as a gradient of every pixel.
    Numbers numbers(3);
    const Floats grad = numbers.many(pooled.size());
    Floats spread(c.x.size());
    Doubles want(c.x.size()), sum(all), dot(all);
    for (size_t i = 0; i < spread.size(); ++i) {
      const size_t k = i % all;
      spread[i] = grad[i / (all * size_t(pixels)) * all + k] / float(pixels);
      want[i] = c.z[i] > 0 ? double(spread[i]) : 0;
      sum[k] += want[i];
      dot[k] += want[i] * (double(c.x[i]) - double(c.mean[k]));
    }
    Floats d(c.x.size());
    GradientSums sums(channels), again(channels);
    pool_backward(c.x.data(), grad.data(), batch, pixels, channels, c.act(), d.data(), &sums);
    EXPECT_LT(error(d, want), 1e-6);
    EXPECT_LT(error(sums.sum, sum), 1e-5);
    EXPECT_LT(error(sums.dot, dot), 1e-5);
    mask_and_sum(c.x.data(), spread.data(), n, channels, c.act(), spread.data(), &again);
    EXPECT_LT(error(spread, want), 1e-6);
    EXPECT_LT(error(again.dot, dot), 1e-5);
  }
}

TEST_P(EveryTarget, ResidualSumsEqualTheirDefinition) {
  for (const int channels : {3, 24, 70}) {
    const ConvShape shape{3, 5, 7, channels, channels, 1, 1};
    const Case c(shape, Clip::kNone);
    for (const Clip clip : {Clip::kNone, Clip::kRelu, Clip::kRelu6}) {
      for (const Clip other_clip : {Clip::kNone, Clip::kRelu, Clip::kRelu6}) {
        const Case other(shape, other_clip, 2);
        for (const bool normed : {false, true}) {
          Doubles want(c.x.size());
          for (size_t i = 0; i < want.size(); ++i) {
            want[i] = c.z[i] + (normed ? other.z[i] : double(other.x[i]));
            if (clip != Clip::kNone) want[i] = std::max(want[i], 0.0);
            if (clip == Clip::kRelu6) want[i] = std::min(want[i], 6.0);
          }
          Floats y(want.size()), in_place = other.x;
          const Activation second = normed ? other.act() : Activation();
          add(c.x.data(), c.act(), other.x.data(), second, clip, shape.in_pixels(), channels,
              y.data());
          EXPECT_LT(error(y, want), 1e-6);
          add(c.x.data(), c.act(), in_place.data(), second, clip, shape.in_pixels(), channels,
              in_place.data());
          EXPECT_EQ(in_place, y);
        }
      }
    }
  }
}

TEST_P(EveryTarget, MaxPoolEqualsItsDefinition) {
  Workspace workspace;
  for (const auto& [height, width] : {std::pair{8, 8}, {7, 5}, {1, 1}, {2, 3}}) {
    for (const int channels : {3, 24, 64}) {
      SCOPED_TRACE(std::to_string(height) + "x" + std::to_string(width));
      const Case c({2, height, width, channels, channels, 1, 1});
      const int oh = (height + 1) / 2, ow = (width + 1) / 2;
      Floats y(size_t(2 * oh * ow * channels)), d(c.x.size());
      Numbers numbers(5);
      const Floats grad = numbers.many(y.size());
      Doubles want(y.size()), want_d(c.x.size()), sum(size_t(channels), 0.0);
      Doubles dot(sum);
      for (int n = 0; n < 2; ++n) {
        for (int oy = 0; oy < oh; ++oy) {
          for (int ox = 0; ox < ow; ++ox) {
            for (int k = 0; k < channels; ++k) {
              double best = -1;
              size_t from = 0;
              for (int v = 0; v < 9; ++v) {
                const int iy = 2 * oy - 1 + v / 3, ix = 2 * ox - 1 + v % 3;
                if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
                const size_t i = size_t(((n * height + iy) * width + ix) * channels + k);
                if (c.z[i] > best) {
                  best = c.z[i];
                  from = i;
                }
              }
              const size_t o = size_t(((n * oh + oy) * ow + ox) * channels + k);
              want[o] = best;
              if (best > 0) want_d[from] += double(grad[o]);
            }
          }
        }
      }
      for (size_t i = 0; i < want_d.size(); ++i) {
        const size_t k = i % size_t(channels);
        sum[k] += want_d[i];
        dot[k] += want_d[i] * (double(c.x[i]) - double(c.mean[k]));
      }
      max_pool_forward(c.x.data(), 2, height, width, channels, c.act(), y.data(), workspace);
      EXPECT_LT(error(y, want), 1e-6);
      GradientSums sums(channels);
      max_pool_backward(c.x.data(), y.data(), grad.data(), 2, height, width, channels, c.act(),
                        d.data(), &sums, workspace);
      EXPECT_LT(error(d, want_d), 1e-6);
      EXPECT_LT(error(sums.sum, sum), 1e-5);
      EXPECT_LT(error(sums.dot, dot), 1e-5);
      Floats bad = c.x;
      bad[bad.size() / 2] = std::nanf("");
      max_pool_forward(bad.data(), 2, height, width, channels, c.act(), y.data(), workspace);
      bool shows = false;
      for (const float v : y) shows = shows || std::isnan(v);
      EXPECT_TRUE(shows);
    }
  }
}

// Whatever is not finite in `want` is not finite in `got`.
template <class T>
testing::AssertionResult not_finite_where(const Doubles& want, const T& got) {
  for (size_t i = 0; i < want.size(); ++i) {
    if (!std::isfinite(want[i]) && std::isfinite(got[i])) {
      return testing::AssertionFailure() << "at " << i << ": " << want[i] << " became " << got[i];
    }
  }
  return testing::AssertionSuccess();
}

// A loss that diverged must show, so no ReLU may make a number of what is none. The NaN of
// Inf - Inf has its sign bit set on x86.
TEST_P(EveryTarget, NanAndInfinityPassAsInTheTwin) {
  const float infinity = INFINITY, nan = std::nanf("");
  Workspace workspace;
  for (const ConvShape& shape : all_shapes()) {
    for (const float bad : {nan, -nan, infinity}) {
      SCOPED_TRACE(name_of(shape) + " " + std::to_string(bad));
      Case c(shape, std::isnan(bad) && shape.in % 2 == 0 ? Clip::kRelu6 : Clip::kRelu);
      const size_t in = size_t(shape.in), pixels = shape.in_pixels(), at = c.x.size() / 2;
      c.x[at] = bad;
      const Doubles z =
          plain::activated(wide(c.x), wide(c.mean), wide(c.scale), wide(c.shift), c.clip);
      ASSERT_FALSE(std::isfinite(z[at]));
      Floats y(c.x.size()), out(c.y.size()), pooled(size_t(shape.batch) * in), d(c.x.size(), 1);
      normalise(c.x.data(), pixels, shape.in, c.act(), y.data());
      EXPECT_TRUE(not_finite_where(z, y));
      pool_forward(c.x.data(), shape.batch, shape.height * shape.width, shape.in, c.act(),
                   pooled.data());
      EXPECT_FALSE(std::isfinite(pooled[at / (c.x.size() / size_t(shape.batch)) * in + at % in]));

      Weights weights;
      weights.pack(shape, c.weights.data());
      Moments moments(shape.out);
      conv_forward(shape, c.x.data(), c.act(), weights, nullptr, out.data(), &moments, workspace);
      const Doubles want = plain::conv_forward(shape, z, wide(c.weights));
      EXPECT_TRUE(not_finite_where(want, out));
      Doubles means = plain::moments(want, shape.out);
      means.resize(size_t(shape.out));  // without what follows them
      EXPECT_TRUE(not_finite_where(means, moments.mean));

      // The ReLU is open where its input is NaN, as in PyTorch: the gradient and its sums continue.
      GradientSums sums(shape.in);
      mask_and_sum(c.x.data(), d.data(), pixels, shape.in, c.act(), d.data(), &sums);
      EXPECT_EQ(d[at], 1);
      EXPECT_FALSE(std::isfinite(sums.dot[at % in]));
      Floats dweights(c.dweights.size());
      conv_backward(shape, c.x.data(), c.act(), weights, c.gradient(nullptr), dweights.data(),
                    nullptr, d.data(), &sums, workspace);
      EXPECT_TRUE(not_finite_where(plain::conv_backward_weights(shape, z, c.grad), dweights));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryTarget, testing::ValuesIn(supported_targets()));

// The points that conv-fast.md chose: a change of them must show.
TEST(Kernels, WinogradRoundsNoMoreThanItsPointsExplain) {
  Workspace workspace;
  const ConvShape shape{4, 16, 16, 64, 64, 3, 1};
  const Case c(shape);
  Weights weights;
  weights.pack(shape, c.weights.data());
  Floats y(c.y.size()), dweights(c.dweights.size()), d(c.d.size());
  conv_forward(shape, c.x.data(), c.act(), weights, c.y_addend.data(), y.data(), nullptr,
               workspace);
  conv_backward(shape, c.x.data(), c.act(), weights, c.gradient(nullptr), dweights.data(),
                c.d_addend.data(), d.data(), nullptr, workspace);
  EXPECT_LT(error(y, c.y), 1e-6);
  EXPECT_LT(error(d, c.d), 1e-6);
  EXPECT_LT(error(dweights, c.dweights), 2e-6);
}

}  // namespace
}  // namespace popaug::kernels
