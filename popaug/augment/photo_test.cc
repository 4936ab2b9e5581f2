#include "popaug/augment/photo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>

#include "popaug/augment/internal/targets_test.h"

namespace popaug {
namespace {

Random stream(uint64_t sample) { return Random({.purpose = Purpose::kTest, .sample = sample}); }

Image random_image(int width, int height, uint64_t sample) {
  Image image(width, height);
  Random random = stream(sample);
  for (size_t i = 0; i < image.size_bytes(); ++i) {
    image.data()[i] = i % 4 == 3 ? 255 : static_cast<uint8_t>(random.below(256));
  }
  return image;
}

using Sides = std::pair<int, int>;

// How often each size of a part comes, by summing the rule over a fine grid of areas and ratios: a
// try that fits ends the ten, and what no try fits is the whole (its ratio is an allowed one).
std::map<Sides, double> rates_of_sizes(int width, int height, const CropRange& range) {
  constexpr int kSteps = 1200;
  std::map<Sides, double> one_try;
  double fails = 0;
  for (int j = 0; j < kSteps; ++j) {
    const double ratio =
        range.least_ratio * std::pow(range.most_ratio / range.least_ratio, (j + 0.5) / kSteps);
    for (int i = 0; i < kSteps; ++i) {
      const double share =
          range.least_area + (range.most_area - range.least_area) * (i + 0.5) / kSteps;
      const double area = share * width * height;
      const int w = static_cast<int>(std::floor(std::sqrt(area * ratio) + 0.5));
      const int h = static_cast<int>(std::floor(std::sqrt(area / ratio) + 0.5));
      const bool fits = w >= 1 && w <= width && h >= 1 && h <= height;
      (fits ? one_try[{w, h}] : fails) += 1.0 / kSteps / kSteps;
    }
  }
  std::map<Sides, double> rates;
  const double none = std::pow(fails, 10);
  for (const auto& [sides, rate] : one_try) rates[sides] = rate * (1 - none) / (1 - fails);
  rates[{width, height}] += none;
  return rates;
}

// Chi-square of counts against rates, in standard deviations from its mean; rare kinds are pooled.
template <typename Kind>
double surprise(const std::map<Kind, int>& counts, const std::map<Kind, double>& rates, int total) {
  double chi_square = 0, rare_expected = 0;
  int kinds = 0, rare_count = 0;
  const auto add = [&](int count, double expected) {
    chi_square += (count - expected) * (count - expected) / expected;
    ++kinds;
  };
  int known = 0;
  for (const auto& [kind, rate] : rates) {
    const auto found = counts.find(kind);
    const int count = found == counts.end() ? 0 : found->second;
    known += count;
    if (rate * total < 20) {
      rare_count += count;
      rare_expected += rate * total;
    } else {
      add(count, rate * total);
    }
  }
  if (known != total) return INFINITY;  // a kind that the rule cannot give
  if (rare_expected > 5) add(rare_count, rare_expected);
  return (chi_square - (kinds - 1)) / std::sqrt(2.0 * (kinds - 1));
}

void expect_the_rule(int width, int height, const CropRange& range) {
  constexpr int kCount = 40000;
  std::map<Sides, int> sizes;
  std::map<Sides, std::map<Sides, int>> places;
  for (uint64_t i = 0; i < kCount; ++i) {
    Random random = stream(i);
    const CropBox box = random_crop_box(width, height, range, random);
    ++sizes[{box.width, box.height}];
    ++places[{box.width, box.height}][{box.left, box.top}];
  }
  EXPECT_LT(surprise(sizes, rates_of_sizes(width, height, range), kCount), 5);
  for (const auto& [sides, count] : sizes) {
    const int across = width - sides.first + 1, down = height - sides.second + 1;
    if (across * down == 1 || count < 20 * across * down) continue;
    std::map<Sides, double> even;
    for (int i = 0; i < across * down; ++i) even[{i % across, i / across}] = 1.0 / (across * down);
    EXPECT_LT(surprise(places[sides], even, count), 5) << sides.first << "x" << sides.second;
  }
}

TEST(Photo, SizesAndPlacesFollowTheRule) {
  expect_the_rule(11, 9, {});
  expect_the_rule(7, 8, {.least_area = 0.35});
  expect_the_rule(6, 6, {.least_area = 0.9});
  expect_the_rule(20, 20, {.least_area = 0.97});  // ten tries often do not fit
}

TEST(Photo, BoxesLieInsideWithTheAreasAndRatiosAsked) {
  const CropRange range;
  constexpr int kCount = 4000;
  for (uint64_t i = 0; i < kCount; ++i) {
    Random random = stream(i);
    const CropBox box = random_crop_box(400, 300, range, random);
    ASSERT_GE(box.left, 0);
    ASSERT_GE(box.top, 0);
    ASSERT_LE(box.left + box.width, 400);
    ASSERT_LE(box.top + box.height, 300);
    const double area = box.width * box.height / 120000.0;
    const double ratio = static_cast<double>(box.width) / box.height;
    ASSERT_GT(area, 0.078);
    ASSERT_GT(ratio, 0.73);
    ASSERT_LT(ratio, 1.37);
  }
}

TEST(Photo, ExtremeShapesTakeTheCentre) {
  Random random = stream(1);
  EXPECT_EQ(random_crop_box(1000, 10, {}, random), (CropBox{493, 0, 13, 10}));
  Random again = stream(1);
  EXPECT_EQ(random_crop_box(10, 1000, {}, again), (CropBox{0, 493, 10, 13}));
}

TEST(Photo, AWholeImageIsOnlyResized) {
  Image image(50, 40);
  for (size_t i = 0; i < image.size_bytes(); ++i) {
    image.data()[i] = i % 4 == 3 ? 255 : static_cast<uint8_t>(i * 31);
  }
  EXPECT_EQ(crop_and_resize(image, {0, 0, 50, 40}, 20, 30), resize(image, 20, 30));
  EXPECT_EQ(centre_crop(image, 40, 1.0), crop_and_resize(image, {5, 0, 40, 40}, 40, 40));
  const Image small = centre_crop(image, 32);
  EXPECT_EQ(small.width(), 32);
  EXPECT_EQ(small.height(), 32);
}

TEST(Photo, TheSmallestImagesAndAreas) {
  const Image dot = random_image(1, 1, 3);
  const Image grown = random_resized_crop(dot, 3, 2, {}, {});
  for (int i = 0; i < 6; ++i) EXPECT_EQ(std::memcmp(grown.data() + 4 * i, dot.data(), 4), 0);
  for (uint64_t i = 0; i < 200; ++i) {
    Random random = stream(i);
    const CropBox box = random_crop_box(3, 5, {.least_area = 1e-12}, random);
    EXPECT_GE(std::min(box.width, box.height), 1);
    EXPECT_LE(box.left + box.width, 3);
    EXPECT_LE(box.top + box.height, 5);
  }
}

class EveryTargetResize : public testing::TestWithParam<int64_t> {};

// Of parts of images too; beside the output nothing is written.
TEST_P(EveryTargetResize, EqualsThePlainTwin) {
  const ForcedTarget forced(GetParam());
  Resizer resizer;
  Random random = stream(77);
  std::vector<std::array<int, 4>> cases = {{1, 1, 1, 1},   {1, 1, 9, 7},     {40, 1, 1, 5},
                                           {2, 3, 3, 2},   {31, 33, 32, 32}, {96, 60, 96, 96},
                                           {300, 5, 7, 5}, {5, 300, 5, 7},   {200, 150, 24, 24}};
  for (int i = 0; i < 60; ++i) {
    std::array<int, 4> sides;
    for (int& side : sides) side = 1 + static_cast<int>(random.below(90));
    cases.push_back(sides);
  }
  for (const auto& [width, height, out_width, out_height] : cases) {
    const Image image = random_image(width + 5, height + 3, width * 1000 + height);
    Image part(width, height);
    for (int y = 0; y < height; ++y) {
      std::memcpy(part.pixel(0, y), image.pixel(2, y + 1), size_t{4} * width);
    }
    const Image want = plain::resize(part, out_width, out_height);
    std::vector<uint8_t> out(want.size_bytes() + 64, 77);
    resizer.run(image.pixel(2, 1), size_t{4} * image.width(), width, height, out.data() + 32,
                out_width, out_height);
    const auto words = testing::PrintToString(std::array{width, height, out_width, out_height});
    ASSERT_EQ(std::memcmp(out.data() + 32, want.data(), want.size_bytes()), 0) << words;
    EXPECT_EQ(std::count(out.begin(), out.begin() + 32, 77), 32) << words;
    EXPECT_EQ(std::count(out.end() - 32, out.end(), 77), 32) << words;
    EXPECT_EQ(resize(part, out_width, out_height), want) << words;
  }
}

std::string target_name(const testing::TestParamInfo<int64_t>& info) {
  return hwy::TargetName(info.param);
}
INSTANTIATE_TEST_SUITE_P(Simd, EveryTargetResize, testing::ValuesIn(runnable_targets()),
                         target_name);

TEST(Photo, TheKeyIsTheWholeRandomness) {
  Image image(64, 48);
  for (size_t i = 0; i < image.size_bytes(); ++i) {
    image.data()[i] = i % 4 == 3 ? 255 : static_cast<uint8_t>(i * i / 5);
  }
  const SampleKey key{.seed = 1, .stream = 2, .epoch = 3, .sample = 4};
  const Image first = random_resized_crop(image, 24, 24, {}, key);
  EXPECT_EQ(first, random_resized_crop(image, 24, 24, {}, key));
  SampleKey other = key;
  other.epoch = 4;
  EXPECT_NE(first, random_resized_crop(image, 24, 24, {}, other));
}

TEST(Photo, BadRangesAreRefused) {
  Random random = stream(1);
  EXPECT_THROW(random_crop_box(0, 5, {}, random), Error);
  EXPECT_THROW(random_crop_box(5, 5, {.least_area = 0}, random), Error);
  EXPECT_THROW(random_crop_box(5, 5, {.most_area = 1.5}, random), Error);
  EXPECT_THROW(random_crop_box(5, 5, {.least_area = NAN}, random), Error);
  EXPECT_THROW(random_crop_box(5, 5, {.least_ratio = 2, .most_ratio = 1}, random), Error);
}

}  // namespace
}  // namespace popaug
