// The bfloat16 output is the float32 output, each number rounded to the nearest, ties to even: for
// all bytes, widths and layouts, on every instruction set.
#include "popaug/augment/internal/bfloat16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "popaug/augment/augmenter.h"
#include "popaug/augment/internal/targets_test.h"

namespace popaug {
namespace {

float float_of(uint32_t upper_half) { return std::bit_cast<float>(upper_half << 16); }

// The nearest bfloat16, found among its two neighbours. `tie` counts numbers halfway between them.
uint16_t nearest(float value, int& ties) {
  const uint32_t towards_zero = std::bit_cast<uint32_t>(value) >> 16, away = towards_zero + 1;
  const double below = std::abs(double{value} - double{float_of(towards_zero)});
  const double above = std::abs(double{float_of(away)} - double{value});
  ties += below == above;
  const bool up = above < below || (above == below && towards_zero % 2 == 1);
  return static_cast<uint16_t>(up ? away : towards_zero);
}

TEST(BFloat16, IsTheNearestWithTiesToEven) {
  EXPECT_EQ(bfloat16_bits(1.0f), 0x3F80);
  EXPECT_EQ(bfloat16_bits(1.00390625f), 0x3F80);    // halfway, 0x3F80 is even
  EXPECT_EQ(bfloat16_bits(1.01171875f), 0x3F82);    // halfway, 0x3F81 is odd
  EXPECT_EQ(bfloat16_bits(-1.00390637f), 0xBF81);   // just above halfway
  EXPECT_EQ(bfloat16_bits(3.4028235e38f), 0x7F80);  // beyond the largest: infinity
  int ties = 0;
  Random random({.purpose = Purpose::kTest});
  for (int i = 0; i < 200000; ++i) {
    const uint32_t word = random.next32();
    const auto value = std::bit_cast<float>(i % 4 == 0 ? (word & 0xFFFF0000) + 0x8000 : word);
    if ((std::bit_cast<uint32_t>(value) >> 23 & 255) > 253)
      continue;  // its neighbour is finite too
    ASSERT_EQ(bfloat16_bits(value), nearest(value, ties)) << value;
  }
  EXPECT_GT(ties, 1000);
}

struct Layout {
  ptrdiff_t sn, sc, sy, sx;
};

// Channels last, planes, rows with gaps, images innermost.
std::vector<Layout> layouts(int w, int h, int c, int count) {
  const ptrdiff_t size = ptrdiff_t{1} * w * h * c;
  return {{size, 1, ptrdiff_t{1} * w * c, c},
          {size, ptrdiff_t{1} * w * h, w, 1},
          {size + 7 * h, 1, ptrdiff_t{1} * w * c + 7, c},
          {1, count, ptrdiff_t{1} * w * c * count, ptrdiff_t{1} * c * count}};
}

Normalisation normalisation_of(int channels) {
  Normalisation full{{.49056774f, .48116026f, .44726052f}, {.24710728f, .24451308f, .26235099f}};
  full.mean.resize(channels);
  full.std.resize(channels);
  return full;
}

std::vector<uint8_t> random_bytes(size_t count) {
  std::vector<uint8_t> bytes(count);
  Random random({.purpose = Purpose::kTest, .sample = 5});
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next32() >> 13);
  return bytes;
}

std::vector<uint32_t> numbers(uint32_t count) {
  std::vector<uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0u);
  return all;
}

class EveryTargetBFloat16 : public testing::TestWithParam<int64_t> {};

TEST_P(EveryTargetBFloat16, RoundsEveryByteUnderEveryScale) {
  const ForcedTarget forced(GetParam());
  const std::vector<uint8_t> bytes = [] {
    std::vector<uint8_t> all(256);
    std::iota(all.begin(), all.end(), uint8_t{0});
    return all;
  }();
  int ties = 0;
  Random random({.purpose = Purpose::kTest, .sample = 1});
  for (int i = 0; i < 500; ++i) {
    // The first scale has ties: byte * 3 / 128 + 1.5, exactly.
    const float std = i == 0 ? 128.0f / 765 : static_cast<float>(0.01 + random.uniform());
    const float mean = i == 0 ? -1.5f * std : static_cast<float>(random.uniform());
    std::vector<float> floats(256);
    std::vector<uint16_t> halves(256);
    const ByteBatch images{bytes.data(), 64, 4, 1, 256};
    normalise(images, numbers(1), {{mean}, {std}}, FloatBatch{floats.data(), 256, 256, 64, 1});
    normalise(images, numbers(1), {{mean}, {std}}, BFloat16Batch{halves.data(), 256, 256, 64, 1});
    for (size_t b = 0; b < 256; ++b) {
      ASSERT_EQ(halves[b], nearest(floats[b], ties)) << b << " " << mean << " " << std;
    }
  }
  EXPECT_GE(ties, 79);
}

// Crops, flips and cutout as drawn, in all layouts: what the floats are, rounded, and nothing
// beside it; the same when it is done again.
void expect_rounded_floats(int width, int height, int channels, uint32_t count) {
  const Space space = space_by_name("pba");
  const BaseTransforms base{
      .pad = 3, .flip = 0.5, .cutout = 4, .scale_pixels = false, .vflip = 0.3};
  const Augmenter augmenter(space, Rule{}, zero_policy(space), base, normalisation_of(channels),
                            width, height, channels);
  const size_t size = size_t{1} * width * height * channels;
  const auto bytes = random_bytes(size * count);
  const ByteBatch images{bytes.data(), width, height, channels, size};
  const SampleKey key{.seed = 3, .sample = static_cast<uint64_t>(width)};
  int ties = 0;
  for (const Layout& l : layouts(width, height, channels, static_cast<int>(count))) {
    const size_t room = count * static_cast<size_t>(std::max<ptrdiff_t>(l.sn, size)) + 40;
    std::vector<float> floats(room, 77.0f);
    std::vector<uint16_t> halves(room, bfloat16_bits(77.0f)), again = halves;
    augmenter.run(images, numbers(count), key,
                  FloatBatch{floats.data() + 20, l.sn, l.sc, l.sy, l.sx});
    augmenter.run(images, numbers(count), key,
                  BFloat16Batch{halves.data() + 20, l.sn, l.sc, l.sy, l.sx});
    augmenter.run(images, numbers(count), key,
                  BFloat16Batch{again.data() + 20, l.sn, l.sc, l.sy, l.sx}, 2);
    for (size_t i = 0; i < room; ++i) {
      ASSERT_EQ(halves[i], nearest(floats[i], ties)) << width << " sx " << l.sx << " at " << i;
    }
    ASSERT_EQ(halves, again);
  }
}

TEST_P(EveryTargetBFloat16, IsTheRoundedFloatAtEveryWidth) {
  const ForcedTarget forced(GetParam());
  for (int width = 1; width <= 70; ++width) {
    for (const int channels : {1, 3}) expect_rounded_floats(width, 5, channels, 6);
  }
  for (const int width : {96, 128, 160, 300}) expect_rounded_floats(width, 100, 3, 3);
}

INSTANTIATE_TEST_SUITE_P(Simd, EveryTargetBFloat16, testing::ValuesIn(runnable_targets()),
                         [](const auto& info) { return hwy::TargetName(info.param); });

TEST(BFloat16, PairsAreTheImagesOfABatchMixed) {
  constexpr int kSide = 24;
  constexpr uint32_t kCount = 40;
  constexpr ptrdiff_t kSize = 3 * kSide * kSide;
  const Space space = space_by_name("trivial");
  Rule rule;
  rule.kind = RuleKind::kTrivial;
  const BaseTransforms base{.pad = 4, .flip = 0.5, .cutmix = 0.5, .mixup = 0.5};
  const Augmenter augmenter(space, rule, zero_policy(space), base, normalisation_of(3), kSide,
                            kSide, 3);
  const auto bytes = random_bytes(size_t{kSize} * kCount);
  const std::vector<uint32_t> all = numbers(kCount);
  std::vector<Mixed> mixed(kCount);
  std::vector<uint16_t> batch(kSize * kCount), pairs_out(kSize * kCount);
  const SampleKey key{.seed = 4, .epoch = 2};
  augmenter.run({bytes.data(), kSide, kSide, 3, kSize}, all, key,
                BFloat16Batch{batch.data(), kSize, 1, 3 * kSide, 3}, 1, {all, mixed.data()});
  std::vector<ImagePair> pairs;
  int different = 0;
  for (uint32_t i = 0; i < kCount; ++i) {
    const uint32_t partner = mixed[i].partner;
    different += partner != i;
    const bool is_mixed = mixed[i].share < 1;
    pairs.push_back({bytes.data() + i * kSize, i,
                     is_mixed ? bytes.data() + partner * kSize : nullptr, partner});
  }
  augmenter.run(pairs, key, BFloat16Batch{pairs_out.data(), kSize, 1, 3 * kSide, 3}, 2);
  EXPECT_EQ(batch, pairs_out);
  EXPECT_GT(different, 10);
}

}  // namespace
}  // namespace popaug
