// Random erasing: the rectangles follow torchvision's rule, and each fill is what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "popaug/augment/augment.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

constexpr int kDraws = 20000;

PixelBox erased(const BaseTransforms& base, uint64_t sample, int width, int height) {
  Random random = stream_of({.seed = 6, .sample = sample}, Purpose::kBaseTransform);
  return draw_base(base, width, height, random).erase;
}

// torchvision's RandomErasing.get_params, with the standard library's generator: the shares of the
// area that are erased, sorted.
std::vector<double> torchvision_shares(const BaseTransforms& base, int width, int height) {
  std::mt19937_64 generator(4);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> shares;
  for (int i = 0; i < kDraws; ++i) {
    double share = 0;
    for (int attempt = 0; attempt < 10 && share == 0; ++attempt) {
      const double area =
          width * height *
          (base.erase_least + (base.erase_most - base.erase_least) * uniform(generator));
      const double log_ratio = std::log(base.erase_ratio) * (1 - 2 * uniform(generator));
      const double h = std::round(std::sqrt(area * std::exp(log_ratio)));
      const double w = std::round(std::sqrt(area / std::exp(log_ratio)));
      if (h >= 1 && w >= 1 && h < height && w < width) share = h * w / (width * height);
    }
    shares.push_back(share);
  }
  std::sort(shares.begin(), shares.end());
  return shares;
}

TEST(Erasing, RectanglesFollowTorchvisionsRule) {
  for (const auto& [width, height] : {std::pair(32, 32), std::pair(48, 20)}) {
    const BaseTransforms base{.erase = 1};
    std::vector<double> shares;
    double rows = 0, columns = 0;
    for (uint64_t i = 0; i < kDraws; ++i) {
      const PixelBox box = erased(base, i, width, height);
      ASSERT_TRUE(box.left >= 0 && box.right <= width && box.top >= 0 && box.bottom <= height);
      shares.push_back(box.area() / (double{1} * width * height));
      rows += (box.top + box.bottom) / 2.0 / kDraws;
      columns += (box.left + box.right) / 2.0 / kDraws;
    }
    std::sort(shares.begin(), shares.end());
    const std::vector<double> theirs = torchvision_shares(base, width, height);
    double most = 0;
    for (int i = 1; i < 100; ++i) {
      const double at = 0.34 * i / 100 + 1e-9;
      const auto below = [&](const std::vector<double>& all) {
        return static_cast<double>(std::upper_bound(all.begin(), all.end(), at) - all.begin());
      };
      most = std::max(most, std::abs(below(shares) - below(theirs)) / kDraws);
    }
    EXPECT_LT(most, 1.95 * std::sqrt(2.0 / kDraws)) << width;
    EXPECT_NEAR(rows, height / 2.0, 0.2);
    EXPECT_NEAR(columns, width / 2.0, 0.4);
  }
}

TEST(Erasing, TheProbabilityIsKept) {
  int count = 0;
  for (uint64_t i = 0; i < kDraws; ++i) count += erased({.erase = 0.3}, i, 32, 32).area() > 0;
  EXPECT_NEAR(count, 0.3 * kDraws, 350);
  EXPECT_EQ(erased({}, 1, 32, 32).area(), 0);
}

Image picture(bool grey) {
  Image image(20, 20);
  Random random({.seed = 1});
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    for (int c = 0; c < 3; ++c) image.data()[i + c] = static_cast<uint8_t>(random.below(200));
    if (grey) image.data()[i + 1] = image.data()[i + 2] = image.data()[i];
    image.data()[i + 3] = 255;
  }
  return image;
}

Image augmented(const Image& image, EraseFill fill, bool grey, uint64_t sample) {
  const size_t channels = grey ? 1 : 3;
  const Normalisation none{std::vector<float>(channels, 0), std::vector<float>(channels, 1)};
  const Space space = space_by_name("pba");
  const Augmenter augmenter(space, Rule{}, zero_policy(space), {.erase = 1, .erase_fill = fill},
                            none, 20, 20, static_cast<int>(channels));
  return augmenter.augment(image, {.seed = 6, .sample = sample});
}

TEST(Erasing, EachFillIsWhatItSays) {
  for (const bool grey : {false, true}) {
    const Image image = picture(grey);
    std::array<double, 3> mean{};
    for (size_t i = 0; i < image.size_bytes(); i += 4) {
      for (int c = 0; c < 3; ++c) mean[c] += image.data()[i + c] / 400.0;
    }
    std::array<int, 4> noise{};  // quarters of the range
    int noisy = 0;
    for (uint64_t sample = 0; sample < 50; ++sample) {
      const PixelBox box = erased({.erase = 1}, sample, 20, 20);
      const Image hole = augmented(image, EraseFill::kHole, grey, sample);
      const Image flat = augmented(image, EraseFill::kMean, grey, sample);
      const Image random = augmented(image, EraseFill::kNoise, grey, sample);
      for (int y = 0; y < 20; ++y) {
        for (int x = 0; x < 20; ++x) {
          const bool inside = x >= box.left && x < box.right && y >= box.top && y < box.bottom;
          ASSERT_EQ(hole.pixel(x, y)[3], inside ? 0 : 255);
          ASSERT_EQ(flat.pixel(x, y)[3], 255);
          ASSERT_EQ(random.pixel(x, y)[3], 255);
          for (int c = 0; c < 3; ++c) {
            if (inside) {
              ASSERT_NEAR(flat.pixel(x, y)[c], mean[c], 0.5 + 1e-9);
              ASSERT_EQ(random.pixel(x, y)[c], random.pixel(x, y)[grey ? 0 : c]);
              ++noise[random.pixel(x, y)[c] / 64];
              ++noisy;
            } else {
              ASSERT_EQ(flat.pixel(x, y)[c], image.pixel(x, y)[c]);
              ASSERT_EQ(random.pixel(x, y)[c], image.pixel(x, y)[c]);
              ASSERT_EQ(hole.pixel(x, y)[c], image.pixel(x, y)[c]);
            }
          }
        }
      }
    }
    for (const int quarter : noise) EXPECT_NEAR(quarter, noisy / 4, noisy / 40);
  }
}

TEST(Erasing, BadInputIsASentence) {
  const auto refusal = [](const BaseTransforms& base) {
    return message_of([&] { base_from_json(base_to_json(base), "base"); });
  };
  EXPECT_THAT(refusal({.erase = 1.1}), HasSubstr("erase: 1.1 is not in"));
  EXPECT_THAT(refusal({.erase = 1, .erase_least = 0.5, .erase_most = 0.2}),
              HasSubstr("erase_least: 0.5 is above erase_most, 0.2"));
  EXPECT_THAT(refusal({.erase = 1, .erase_ratio = 0}), HasSubstr("erase_ratio: 0 is not in"));
  EXPECT_THAT(message_of([] {
                base_from_json(parse_json("{\"erase\":1,\"erase_fill\":\"meam\"}", "b"), "base");
              }),
              HasSubstr("unknown fill \"meam\" (nearest: \"mean\")"));
  EXPECT_EQ(refusal({.erase_fill = EraseFill::kNoise}), "no error");
}

}  // namespace
}  // namespace popaug
