#include "popaug/train/internal/turned_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace popaug {
namespace {

using ::testing::ElementsAre;

struct Square {
  std::vector<uint8_t> pixels = {0, 1, 2, 3, 9, 9, 9, 9, 4, 5, 6, 7};  // three of 2x2
  ImageSet set;
  Subset subset;
  Square() {
    set.width = set.height = 2;
    set.channels = 1;
    set.pixels = pixels;
    set.labels = {0, 1, 2};
    subset = {&set, {2, 0}};
  }
};

std::vector<uint8_t> pixels_of(const Subset& subset) {
  return {subset.split->pixels.begin(), subset.split->pixels.end()};
}

TEST(TurnedImages, AreThoseOfTheSubsetInItsOrder) {
  const Square square;
  const TurnedImages mirrored(square.subset, 10, kMirror);
  EXPECT_THAT(pixels_of(mirrored.subset()), ElementsAre(5, 4, 7, 6, 1, 0, 3, 2));
  EXPECT_THAT(mirrored.subset().split->labels, ElementsAre(2, 0));
  EXPECT_THAT(mirrored.subset().indices, ElementsAre(0, 1));
  const TurnedImages one(square.subset, 1, kMirror);
  EXPECT_THAT(pixels_of(one.subset()), ElementsAre(5, 4, 7, 6));
}

TEST(TurnedImages, AllEightAreDifferent) {
  const Square square;
  std::set<std::vector<uint8_t>> found = {{4, 5, 6, 7}};
  found.insert(pixels_of(TurnedImages(square.subset, 1, kMirror).subset()));
  for (const Turn& turn : kOtherTurns) {
    found.insert(pixels_of(TurnedImages(square.subset, 1, turn).subset()));
  }
  EXPECT_EQ(found.size(), 8u);
}

TEST(TurnedImages, OfWideImagesWithChannels) {
  std::vector<uint8_t> pixels = {1, 2, 3, 4, 5, 6};  // 3x1, two channels
  ImageSet set;
  set.width = 3;
  set.height = 1;
  set.channels = 2;
  set.pixels = pixels;
  set.labels = {0};
  EXPECT_THAT(pixels_of(TurnedImages({&set, {0}}, 5, kMirror).subset()),
              ElementsAre(5, 6, 3, 4, 1, 2));
}

}  // namespace
}  // namespace popaug
