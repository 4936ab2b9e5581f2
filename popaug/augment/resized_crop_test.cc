#include "popaug/augment/resized_crop.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace popaug {
namespace {

TEST(ResizedCrop, BoxesFollowTheirRanges) {
  const ResizedCropRange range;
  double smallest = 1, largest = 0, sum = 0;
  constexpr int kDraws = 20000;
  for (uint64_t i = 0; i < kDraws; ++i) {
    Random random({.sample = i});
    const CropBox box = draw_resized_crop(640, 480, range, random);
    ASSERT_GE(box.x, 0);
    ASSERT_GE(box.y, 0);
    ASSERT_LE(box.x + box.width, 640);
    ASSERT_LE(box.y + box.height, 480);
    const double share = box.width * box.height / (640.0 * 480.0);
    const double aspect = static_cast<double>(box.width) / box.height;
    ASSERT_GT(share, 0.078);
    ASSERT_GT(aspect, 0.74);
    ASSERT_LT(aspect, 1.35);
    smallest = std::min(smallest, share);
    largest = std::max(largest, share);
    sum += share;
  }
  EXPECT_LT(smallest, 0.09);
  EXPECT_GT(largest, 0.95);
  // Uniform over 0.08..1 would give 0.54; large boxes of the wrong shape are refused, so less.
  EXPECT_NEAR(sum / kDraws, 0.51, 0.03);
}

TEST(ResizedCrop, TakesTheCentreWhereNothingFits) {
  Random random({.sample = 1});
  const ResizedCropRange square{.area_low = 1, .area_high = 1, .aspect_low = 1, .aspect_high = 1};
  EXPECT_EQ(draw_resized_crop(100, 40, square, random), (CropBox{30, 0, 40, 40}));
  EXPECT_EQ(draw_resized_crop(40, 101, square, random), (CropBox{0, 30, 40, 40}));
  EXPECT_EQ(draw_resized_crop(1, 1, {}, random), (CropBox{0, 0, 1, 1}));
}

TEST(ResizedCrop, WholeBoxIsAPlainResize) {
  Image image(20, 10);
  for (size_t i = 0; i < image.size_bytes(); ++i) {
    if (i % 4 != 3) image.data()[i] = static_cast<uint8_t>(i * 7);
  }
  EXPECT_EQ(resized_crop(image, {0, 0, 20, 10}, 7, 9), resize(image, 7, 9));
  const Image part = resized_crop(image, {3, 2, 4, 5}, 4, 5);
  EXPECT_EQ(part.pixel(0, 0)[0], image.pixel(3, 2)[0]);
  EXPECT_EQ(part.pixel(3, 4)[2], image.pixel(6, 6)[2]);
}

TEST(ResizedCrop, RefusesEmptyRanges) {
  Random random({.sample = 1});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(draw_resized_crop(5, 5, {.area_low = 0}, random), Error);
  EXPECT_THROW(draw_resized_crop(5, 5, {.area_low = nan}, random), Error);
  EXPECT_THROW(draw_resized_crop(5, 5, {.area_high = 1.5}, random), Error);
  EXPECT_THROW(draw_resized_crop(5, 5, {.aspect_low = 2}, random), Error);
}

}  // namespace
}  // namespace popaug
