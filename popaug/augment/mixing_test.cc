// CutMix and mixup: what is drawn follows the papers' distributions, and what comes out of the
// engine is what was drawn. augmenter_simd_test.cc compares the engine with its plain twin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <random>

#include "popaug/augment/augment.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

constexpr int kDraws = 20000;

std::vector<double> beta_draws(double alpha) {
  std::vector<double> values;
  for (uint64_t i = 0; i < kDraws; ++i) {
    Random random({.seed = 11, .sample = i});
    values.push_back(draw_beta(alpha, random));
  }
  std::sort(values.begin(), values.end());
  return values;
}

// The largest distance of the draws' distribution from `cdf` (Kolmogorov and Smirnov).
double distance(const std::vector<double>& sorted, const std::function<double(double)>& cdf) {
  double most = 0;
  const auto n = static_cast<double>(sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i) {
    const double at = cdf(sorted[i]);
    most = std::max({most, at - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - at});
  }
  return most;
}

TEST(Mixing, SharesFollowTheBetaDistribution) {
  const double limit = 1.95 / std::sqrt(kDraws);  // exceeded by chance once in a thousand
  EXPECT_LT(distance(beta_draws(1), [](double x) { return x; }), limit);
  EXPECT_LT(distance(beta_draws(2), [](double x) { return x * x * (3 - 2 * x); }), limit);
  EXPECT_LT(distance(beta_draws(3), [](double x) { return x * x * x * (10 + x * (6 * x - 15)); }),
            limit);
  EXPECT_LT(distance(beta_draws(0.5),
                     [](double x) { return 2 / std::numbers::pi * std::asin(std::sqrt(x)); }),
            limit);
  // The test can fail: Beta(2, 2) is not uniform.
  EXPECT_GT(distance(beta_draws(2), [](double x) { return x; }), limit);
  // No closed form: mean, variance and fourth moment.
  for (const double alpha : {0.01, 0.2, 7.5, 100.0}) {
    double mean = 0, second = 0, fourth = 0;
    for (const double x : beta_draws(alpha)) {
      ASSERT_TRUE(x >= 0 && x <= 1) << alpha;
      const double d = (x - 0.5) * (x - 0.5);
      mean += x / kDraws;
      second += d / kDraws;
      fourth += d * d / kDraws;
    }
    const double variance = 0.25 / (2 * alpha + 1);
    EXPECT_NEAR(mean, 0.5, 5 * std::sqrt(variance / kDraws)) << alpha;
    EXPECT_NEAR(second, variance, 0.04 * variance) << alpha;
    EXPECT_NEAR(fourth, 3 * variance / (4 * (2 * alpha + 3)), 0.08 * variance) << alpha;
  }
}

MixDraw mix_of(const BaseTransforms& base, uint64_t sample, int width = 32, int height = 32) {
  Random random = stream_of({.seed = 5, .sample = sample}, Purpose::kBaseTransform);
  return draw_mix(base, width, height, random);
}

// The published code of CutMix (rand_bbox), with the standard library's generator.
std::vector<double> published_shares(int width, int height, double alpha) {
  std::mt19937_64 generator(3);
  std::gamma_distribution<double> gamma(alpha);
  std::vector<double> shares;
  for (int i = 0; i < kDraws; ++i) {
    const double a = gamma(generator), b = gamma(generator);
    const double side = std::sqrt(1 - a / (a + b));
    const int cut_width = static_cast<int>(width * side);
    const int cut_height = static_cast<int>(height * side);
    const int x = std::uniform_int_distribution<int>(0, width - 1)(generator);
    const int y = std::uniform_int_distribution<int>(0, height - 1)(generator);
    const int columns = std::min(x + cut_width / 2, width) - std::max(x - cut_width / 2, 0);
    const int rows = std::min(y + cut_height / 2, height) - std::max(y - cut_height / 2, 0);
    shares.push_back(1 - double{1} * columns * rows / (double{1} * width * height));
  }
  std::sort(shares.begin(), shares.end());
  return shares;
}

TEST(Mixing, CutMixBoxesFollowThePublishedCode) {
  for (const auto& [width, height, alpha] :
       {std::tuple(32, 32, 1.0), std::tuple(40, 17, 1.0), std::tuple(32, 32, 0.3)}) {
    std::vector<double> shares;
    for (uint64_t i = 0; i < kDraws; ++i) {
      const MixDraw draw = mix_of({.cutmix = 1, .cutmix_alpha = alpha}, i, width, height);
      ASSERT_EQ(draw.kind, MixKind::kCutMix);
      const PixelBox& box = draw.box;
      ASSERT_TRUE(box.left >= 0 && box.right <= width && box.left <= box.right);
      ASSERT_TRUE(box.top >= 0 && box.bottom <= height && box.top <= box.bottom);
      ASSERT_EQ(draw.share, 1 - box.area() / (double{1} * width * height));
      shares.push_back(draw.share);
    }
    std::sort(shares.begin(), shares.end());
    // Shares are multiples of 1 / pixels, so the distance is taken at their values.
    const std::vector<double> published = published_shares(width, height, alpha);
    double most = 0;
    for (int i = 1; i < 100; ++i) {
      const double at = i / 100.0 + 1e-9;
      const auto below = [&](const std::vector<double>& all) {
        return static_cast<double>(std::upper_bound(all.begin(), all.end(), at) - all.begin());
      };
      most = std::max(most, std::abs(below(shares) - below(published)) / kDraws);
    }
    EXPECT_LT(most, 1.95 * std::sqrt(2.0 / kDraws)) << width << "x" << height;
  }
}

TEST(Mixing, ProbabilitiesAreKeptAndOneOfBothIsDrawn) {
  std::map<MixKind, double> drawn;
  for (uint64_t i = 0; i < kDraws; ++i) {
    drawn[mix_of({.cutmix = 0.6, .mixup = 0.5}, i).kind] += 1.0 / kDraws;
  }
  EXPECT_NEAR(drawn[MixKind::kCutMix], 0.6 * (1 - 0.5 / 2), 0.02);
  EXPECT_NEAR(drawn[MixKind::kMixup], 0.5 * (1 - 0.6 / 2), 0.02);
  EXPECT_EQ(mix_of({}, 1).kind, MixKind::kNone);
  EXPECT_EQ(mix_of({}, 1).share, 1);
}

TEST(Mixing, PartnersAreUniformAndNeverTheImageItself) {
  const std::vector<uint32_t> epoch = {3, 10, 11, 20, 21, 40, 99};
  for (const uint32_t own : {3u, 20u, 99u}) {
    std::map<uint32_t, int> drawn;
    for (uint64_t i = 0; i < kDraws; ++i) {
      Random random = stream_of({.seed = 8, .sample = i}, Purpose::kBaseTransform);
      ++drawn[draw_partner(epoch, own, random)];
    }
    EXPECT_EQ(drawn.count(own), 0u);
    ASSERT_EQ(drawn.size(), 6u);
    double chi_square = 0;
    for (const auto& [image, count] : drawn) {
      chi_square += std::pow(count - kDraws / 6.0, 2) / (kDraws / 6.0);
    }
    EXPECT_LT(chi_square, 20.5) << own;  // 5 degrees of freedom: once in a thousand
  }
}

// An augmenter of flips, crops and `mixing` alone, and images whose bytes are all different.
struct Bench {
  explicit Bench(const BaseTransforms& base, int side = 16)
      : side_(side),
        augmenter(space_by_name("pba"), Rule{}, zero_policy(space_by_name("pba")), base,
                  {{0.4f, 0.5f, 0.6f}, {0.2f, 0.2f, 0.2f}}, side, side, 3) {
    Random random({.seed = 2});
    for (size_t i = 0; i < kImages * image_bytes(); ++i) {
      bytes.push_back(static_cast<uint8_t>(random.next32() >> 9));
    }
    for (uint32_t i = 0; i < kImages; ++i) epoch.push_back(i);
  }
  size_t image_bytes() const { return size_t{3} * side_ * side_; }
  ByteBatch view() const { return {bytes.data(), side_, side_, 3, image_bytes()}; }
  Image image(uint32_t index) const {
    Image result(side_, side_);
    for (size_t p = 0; p < image_bytes() / 3; ++p) {
      for (int c = 0; c < 3; ++c) {
        result.data()[4 * p + c] = bytes[index * image_bytes() + 3 * p + c];
      }
    }
    return result;
  }

  static constexpr uint32_t kImages = 60;
  int side_;
  Augmenter augmenter;
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> epoch;
};

const std::array<uint8_t, 3> kMean = {102, 128, 153};  // of the normalisation above

// Both images as they are when they are not mixed, and the mixed one.
struct Result {
  Image own, other;
  std::vector<uint8_t> bytes;
  Mixed mixed;
};

Result mixed_image(const Bench& bench, uint32_t index) {
  Result result;
  result.bytes.resize(bench.image_bytes());
  const SampleKey key{.seed = 9, .stream = 2, .epoch = 4};
  bench.augmenter.run(bench.view(), std::vector<uint32_t>{index}, key,
                      ByteOutput{result.bytes.data(), 0, 1, 3 * bench.side_, 3}, 1,
                      {bench.epoch, &result.mixed});
  SampleKey own = key, other = key;
  own.sample = index;
  other.sample = result.mixed.partner;
  result.own = bench.augmenter.augment(bench.image(index), own);
  result.other = bench.augmenter.augment(bench.image(result.mixed.partner), other);
  return result;
}

int byte_of(const uint8_t* pixel, int c) { return pixel[3] == 0 ? kMean[c] : pixel[c]; }

TEST(Mixing, CutMixTakesABoxOfTheAugmentedPartner) {
  const Bench bench({.pad = 3, .flip = 0.5, .cutmix = 1});
  int mixed = 0;
  for (uint32_t index = 0; index < Bench::kImages; ++index) {
    const Result result = mixed_image(bench, index);
    ASSERT_NE(result.mixed.partner, index);
    int of_other = 0;
    for (int p = 0; p < 256; ++p) {
      const uint8_t* found = &result.bytes[3 * p];
      const auto shows = [&](const Image& image) {
        const uint8_t* pixel = image.data() + 4 * p;
        return found[0] == byte_of(pixel, 0) && found[1] == byte_of(pixel, 1) &&
               found[2] == byte_of(pixel, 2);
      };
      const bool own = shows(result.own), other = shows(result.other);
      ASSERT_TRUE(own || other) << index << " " << p;
      // A pixel that both show is not counted twice: a hole of both, with luck.
      of_other += !own;
    }
    EXPECT_LE(of_other, std::lround(256 * (1 - result.mixed.share)));
    mixed += of_other > 0;
  }
  EXPECT_GT(mixed, 30);
}

TEST(Mixing, MixupIsTheWeightedMeanOfBytes) {
  const Bench bench({.pad = 3, .flip = 0.5, .mixup = 1, .mixup_alpha = 1});
  for (uint32_t index = 0; index < Bench::kImages; ++index) {
    const Result result = mixed_image(bench, index);
    const double share = result.mixed.share;
    for (int p = 0; p < 256; ++p) {
      for (int c = 0; c < 3; ++c) {
        const int a = byte_of(result.own.data() + 4 * p, c);
        const int b = byte_of(result.other.data() + 4 * p, c);
        ASSERT_NEAR(result.bytes[3 * p + c], share * a + (1 - share) * b, 0.5 + 1e-9);
      }
    }
  }
}

// For callers whose images do not lie in one batch.
TEST(Mixing, PairsGiveWhatTheBatchGives) {
  const Bench bench({.pad = 3, .flip = 0.5, .erase = 0.3, .cutmix = 0.6, .mixup = 0.5});
  const SampleKey key{.seed = 9, .stream = 2, .epoch = 4};
  const ptrdiff_t size = static_cast<ptrdiff_t>(bench.image_bytes());
  std::vector<uint8_t> together(bench.bytes.size()), apart(bench.bytes.size());
  std::vector<Mixed> mixed(Bench::kImages);
  bench.augmenter.run(bench.view(), bench.epoch, key,
                      ByteOutput{together.data(), size, 1, 3 * bench.side_, 3}, 1,
                      {bench.epoch, mixed.data()});
  std::vector<ImagePair> pairs;
  for (uint32_t i = 0; i < Bench::kImages; ++i) {
    const uint8_t* partner = &bench.bytes[mixed[i].partner * bench.image_bytes()];
    pairs.push_back({&bench.bytes[i * bench.image_bytes()], i,
                     mixed[i].share < 1 ? partner : nullptr, mixed[i].partner});
  }
  bench.augmenter.run(pairs, key, ByteOutput{apart.data(), size, 1, 3 * bench.side_, 3}, 2);
  EXPECT_EQ(together, apart);
  // Without partners, it is what each image is by itself.
  for (ImagePair& pair : pairs) pair.partner = nullptr;
  bench.augmenter.run(pairs, key, ByteOutput{apart.data(), size, 1, 3 * bench.side_, 3});
  for (uint32_t i = 0; i < Bench::kImages; ++i) {
    SampleKey own = key;
    own.sample = i;
    const Image alone = bench.augmenter.augment(bench.image(i), own);
    for (size_t b = 0; b < bench.image_bytes(); ++b) {
      ASSERT_EQ(apart[i * bench.image_bytes() + b],
                byte_of(alone.data() + b / 3 * 4, static_cast<int>(b % 3)));
    }
  }
}

TEST(Mixing, BadInputIsASentence) {
  const Bench bench({.cutmix = 1});
  std::vector<uint8_t> out(bench.image_bytes());
  Mixed mixed;
  const auto run = [&](const std::vector<uint32_t>& epoch, Mixed* to) {
    return message_of([&] {
      bench.augmenter.run(bench.view(), std::vector<uint32_t>{1}, {},
                          ByteOutput{out.data(), 0, 1, 48, 3}, 1, {epoch, to});
    });
  };
  EXPECT_EQ(run({0, 1}, &mixed), "no error");
  EXPECT_THAT(run({}, &mixed), HasSubstr("cutmix: an image is mixed with another one of the epoch, "
                                         "but the epoch has no image"));
  EXPECT_THAT(run({1, 1}, &mixed), HasSubstr("the epoch has one image only; give more images"));
  EXPECT_THAT(run({0, 1}, nullptr), HasSubstr("mixed images have two labels"));
  const auto refusal = [](const BaseTransforms& base) { return message_of([&] { Bench{base}; }); };
  EXPECT_THAT(refusal({.cutmix = 1.5}), HasSubstr("cutmix: 1.5 is not in"));
  EXPECT_THAT(refusal({.cutmix = 1, .cutmix_alpha = 0}), HasSubstr("cutmix_alpha: 0 is not in"));
  EXPECT_THAT(refusal({.mixup = -0.5}), HasSubstr("mixup: -0.5 is not in"));
  EXPECT_THAT(refusal({.mixup = 1, .mixup_alpha = NAN}), HasSubstr("mixup_alpha"));
}

}  // namespace
}  // namespace popaug
