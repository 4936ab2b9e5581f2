#include "popaug/data/near_duplicates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <numeric>

namespace popaug {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Waves and patches, other ones for each seed.
Image scene(uint64_t seed, int width = 64, int height = 48) {
  Random random({.seed = seed});
  double parts[6][4];
  for (auto& part : parts) {
    for (double& value : part) value = random.uniform();
  }
  double patches[8][8];
  for (auto& row : patches) {
    for (double& value : row) value = random.uniform() - 0.5;
  }
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        double sum = 0;
        for (const auto& [across, down, phase, weight] : parts) {
          const double angle = 9 * across * x / width + 9 * down * y / height + 6 * phase + c;
          sum += weight * std::sin(angle);
        }
        sum += 2 * patches[8 * y / height][8 * x / width];
        image.pixel(x, y)[c] = static_cast<uint8_t>(std::clamp(127 + 30 * sum, 0.0, 255.0));
      }
    }
  }
  return image;
}

template <typename F>
Image changed(Image image, F&& change) {
  for (size_t i = 0; i < image.size_bytes(); ++i) {
    if (i % 4 != 3) image.data()[i] = static_cast<uint8_t>(change(image.data()[i]));
  }
  return image;
}

bool alike(const ImageSketch& a, const ImageSketch& b) {
  return !a.flat && !b.flat && std::popcount(a.hash ^ b.hash) <= kNearBits &&
         likeness(a, b) >= kNearLikeness;
}

TEST(ImageSketch, StaysForTheSamePictureOnly) {
  size_t others = 0, found = 0, copies = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Image image = scene(seed);
    const ImageSketch sketch = sketch_of(image);
    EXPECT_DOUBLE_EQ(likeness(sketch, sketch), 1);
    for (const Image& same :
         {resize(image, 32, 32), resize(image, 200, 150), decode_image(encode_jpeg(image, 60), "x"),
          changed(image, [](int v) { return v * 9 / 10; }),
          changed(image, [](int v) { return 30 + v * 3 / 4; })}) {
      found += alike(sketch, sketch_of(same));
      ++copies;
    }
    others += alike(sketch, sketch_of(scene(seed + 1000)));
  }
  EXPECT_EQ(others, 0u);
  EXPECT_GE(found, copies * 97 / 100) << "of " << copies;
}

TEST(ImageSketch, FlatImagesAreAlikeToNothing) {
  const Image white = changed(Image(20, 20), [](int) { return 255; });
  const ImageSketch sketch = sketch_of(white);
  EXPECT_TRUE(sketch.flat);
  EXPECT_EQ(likeness(sketch, sketch), 0);
  const std::vector<ImageSketch> all = {sketch, sketch};
  const std::vector<uint32_t> part = {0, 1};
  EXPECT_THAT(find_near_duplicates(all, part).between, IsEmpty());
}

// Families of sketches whose hashes and pictures differ a little, around both thresholds.
std::vector<ImageSketch> families(size_t count, uint64_t seed) {
  Random random({.seed = seed});
  std::vector<ImageSketch> sketches;
  ImageSketch first;
  for (size_t i = 0; i < count; ++i) {
    if (i % 7 == 0) {
      first.flat = false;
      first.hash = random.next64();
      for (uint8_t& value : first.picture) value = static_cast<uint8_t>(40 + random.below(150));
    }
    ImageSketch one = first;
    for (uint32_t bits = random.below(7); bits > 0; --bits) one.hash ^= 1ull << random.below(64);
    const uint32_t noise = 1 + random.below(25);
    for (uint8_t& value : one.picture) value = static_cast<uint8_t>(value + random.below(noise));
    one.flat = random.chance(0.05);
    sketches.push_back(one);
  }
  for (size_t n = count; n > 1; --n) {
    std::swap(sketches[n - 1], sketches[random.below(static_cast<uint32_t>(n))]);
  }
  return sketches;
}

// All pairs, one after another.
NearDuplicates plain(const std::vector<ImageSketch>& sketches, const std::vector<uint32_t>& part) {
  NearDuplicates out;
  out.cluster.resize(sketches.size());
  std::iota(out.cluster.begin(), out.cluster.end(), 0u);
  for (uint32_t i = 0; i < sketches.size(); ++i) {
    NearDuplicates::Pair best;
    for (uint32_t j = 0; j < i; ++j) {
      if (!alike(sketches[i], sketches[j])) continue;
      const uint32_t a = out.cluster[i], b = out.cluster[j];
      for (uint32_t& one : out.cluster) one = one == std::max(a, b) ? std::min(a, b) : one;
      const double likely = likeness(sketches[i], sketches[j]);
      if (part[i] != part[j] && likely > best.likeness) best = {j, i, likely};
    }
    if (best.likeness > 0) out.between.push_back(best);
  }
  std::stable_sort(out.between.begin(), out.between.end(),
                   [](const auto& a, const auto& b) { return a.likeness > b.likeness; });
  return out;
}

TEST(NearDuplicates, TheIndexFindsWhatComparingAllPairsFinds) {
  size_t pairs = 0, clusters = 0;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    const std::vector<ImageSketch> sketches = families(700, seed);
    std::vector<uint32_t> part(sketches.size());
    for (size_t i = 0; i < part.size(); ++i) part[i] = i < 450 ? 0 : i < 500 ? 1 : 2;
    const NearDuplicates expected = plain(sketches, part);
    for (const int threads : {1, 4}) {
      const NearDuplicates found = find_near_duplicates(sketches, part, threads);
      EXPECT_EQ(found.cluster, expected.cluster);
      EXPECT_EQ(found.unfinished, 0u);
      ASSERT_EQ(found.between.size(), expected.between.size());
      for (size_t i = 0; i < found.between.size(); ++i) {
        EXPECT_EQ(found.between[i].first, expected.between[i].first);
        EXPECT_EQ(found.between[i].second, expected.between[i].second);
        EXPECT_EQ(found.between[i].likeness, expected.between[i].likeness);
      }
    }
    pairs += expected.between.size();
    for (uint32_t i = 0; i < sketches.size(); ++i) clusters += expected.cluster[i] != i;
  }
  EXPECT_GT(pairs, 100u);
  EXPECT_GT(clusters, 300u);
}

TEST(NearDuplicates, OnePictureManyTimesIsBounded) {
  const std::vector<ImageSketch> sketches(6000, sketch_of(scene(3)));
  const std::vector<uint32_t> part(sketches.size());
  const NearDuplicates found = find_near_duplicates(sketches, part);
  EXPECT_GT(found.unfinished, 0u);
  EXPECT_EQ(found.cluster.back(), 0u);  // each still joins those before it
}

ImageSet set_of(const std::vector<Image>& images) {
  ImageSet split;
  split.name = "train";
  split.width = images[0].width();
  split.height = images[0].height();
  const auto pixels = std::make_shared<std::vector<uint8_t>>();
  for (const Image& image : images) {
    for (size_t i = 0; i < image.size_bytes(); ++i) {
      if (i % 4 != 3) pixels->push_back(image.data()[i]);
    }
    split.labels.push_back(0);
  }
  split.pixels = *pixels;
  split.storage = pixels;
  return split;
}

TEST(GroupDuplicates, JoinsClustersAndTheGroupsOfTheSet) {
  const auto darker = [](int v) { return v * 4 / 5; };
  ImageSet split = set_of({scene(1), scene(2), changed(scene(1), darker), scene(3),
                           changed(scene(3), darker), scene(4)});
  size_t clusters = 0;
  EXPECT_THAT(group_duplicates(split, &clusters).groups, ElementsAre("0", "1", "0", "3", "3", "5"));
  EXPECT_EQ(clusters, 2u);
  split.groups = {"a", "b", "c", "b", "d", "e"};
  EXPECT_THAT(group_duplicates(split, nullptr).groups, ElementsAre("0", "1", "0", "1", "1", "5"));
}

}  // namespace
}  // namespace popaug
