// Integers stand for a blend only where they give its bytes for every pair of colours.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "popaug/augment/internal/fast_draw.h"
#include "popaug/augment/internal/kernels.h"
#include "popaug/augment/space.h"

namespace popaug {
namespace {

int plain(float factor, int from, int to) {
  const float v = static_cast<float>(from) + factor * static_cast<float>(to - from);
  return static_cast<int>(std::clamp(v, 0.0f, 255.0f));
}

int whole(const simd::Blend& blend, int from, int to) {
  const int moved = 64 * (to - from) + blend.bias;
  EXPECT_GE(moved, -32768);
  EXPECT_LE(moved, 32767);
  return std::clamp(to + (moved * blend.gain >> 16 >> blend.shift), 0, 255);
}

void expect_equal_for_every_pair(const simd::Blend& blend) {
  for (int from = 0; from < 256; ++from) {
    for (int to = 0; to < 256; ++to) {
      ASSERT_EQ(whole(blend, from, to), plain(blend.factor, from, to))
          << "factor " << blend.factor << " from " << from << " to " << to;
    }
  }
}

std::set<float> factors_of(const std::string& space) {
  std::set<float> factors;
  for (const SpaceOp& op : space_by_name(space).ops) {
    if (op.op != "Color" && op.op != "Sharpness") continue;
    for (int level = 0; level < static_cast<int>(op.values.size()); ++level) {
      for (const bool negative : {false, op.is_signed}) {
        factors.insert(static_cast<float>(op_value(op, level, negative, 32, 32)));
      }
    }
  }
  return factors;
}

TEST(FindBlend, ValuesOfTheSpacesAreWholeAndEqual) {
  size_t all = 0, found = 0;
  for (const std::string& space : space_names()) {
    for (const float factor : factors_of(space)) {
      const simd::Blend blend = simd::find_blend(factor);
      ++all;
      if (!blend.whole) {
        // The product of 1.18 lies so near whole numbers that the result depends on `from`.
        EXPECT_TRUE(factor == 1 || factor == 1.18f || space != "pba") << factor;
        continue;
      }
      ++found;
      expect_equal_for_every_pair(blend);
    }
  }
  EXPECT_GT(found * 10, all * 6) << found << " of " << all;
}

TEST(FindBlend, OtherFactorsAreEqualOrLeftAlone) {
  Random random({.purpose = Purpose::kTest, .sample = 5});
  int found = 0;
  for (int i = 0; i < 300; ++i) {
    const simd::Blend blend = simd::find_blend(static_cast<float>(2.2 * random.uniform() - 0.1));
    if (!blend.whole) continue;
    ++found;
    expect_equal_for_every_pair(blend);
  }
  EXPECT_GT(found, 0);
  for (const float factor : {1.0f, 2.0f, -0.5f, 3.5f, 1048576.0f}) {
    EXPECT_FALSE(simd::find_blend(factor).whole) << factor;
  }
}

TEST(PrefetchedDraws, AreTheWordsOfTheStreams) {
  const SampleKey key{.seed = 0x123456789ABCDEF, .stream = 77, .epoch = 123456, .sample = 1u << 31};
  uint32_t indices[PrefetchedDraws::kMost];
  for (uint32_t i = 0; i < PrefetchedDraws::kMost; ++i) indices[i] = 4000000000u - 977 * i;
  for (const size_t count : {size_t{1}, size_t{2}, size_t{7}, PrefetchedDraws::kMost}) {
    PrefetchedDraws words;
    words.make(simd::draw_kernels(), key, {indices, count});
    for (size_t i = 0; i < count; ++i) {
      SampleKey own = key;
      own.sample += indices[i];
      Random augment = stream_of(own, Purpose::kAugment);
      Random base = stream_of(own, Purpose::kBaseTransform);
      // And what follows them.
      WordStream stream(own, Purpose::kAugment, words.augment(i));
      for (int k = 0; k < 3 * WordStream::kWords; ++k) {
        const uint32_t word = augment.next32();
        ASSERT_EQ(stream.next32(), word);
        if (k >= WordStream::kWords) continue;
        ASSERT_EQ(words.augment(i)[k], word);
        ASSERT_EQ(words.base(i)[k], base.next32());
      }
    }
  }
}

}  // namespace
}  // namespace popaug
