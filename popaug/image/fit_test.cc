// How images of other shapes are brought to one size.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "popaug/image/image.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

// A picture with ramps and noise, the same always.
Image picture(int width, int height) {
  Image image(width, height);
  Random random({.seed = 5});
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* p = image.pixel(x, y);
      p[0] = static_cast<uint8_t>(255 * x / width);
      p[1] = static_cast<uint8_t>(255 * y / height);
      p[2] = static_cast<uint8_t>(random.below(256));
    }
  }
  return image;
}

TEST(Fit, PlansAreTorchvisionsForSquareSizes) {
  struct Row {
    int width, height, size;
    FitPlan plan;
  };
  // torchvision: Resize(size) gives the size, CenterCrop(size) the corner.
  for (const Row& row : {Row{640, 480, 224, {298, 224, 37, 0}},
                         {480, 640, 224, {224, 298, 0, 37}},
                         {500, 375, 96, {128, 96, 16, 0}},
                         {333, 500, 96, {96, 144, 0, 24}},
                         {101, 100, 100, {101, 100, 0, 0}},  // half of 1 is rounded to 0
                         {103, 100, 100, {103, 100, 2, 0}},  // half of 3 to 2
                         {105, 100, 100, {105, 100, 2, 0}},  // half of 5 to 2
                         {96, 96, 96, {96, 96, 0, 0}}}) {
    const FitPlan plan = plan_fit(row.width, row.height, row.size, row.size, Fit::kCrop);
    EXPECT_EQ(plan.width, row.plan.width) << row.width;
    EXPECT_EQ(plan.height, row.plan.height) << row.width;
    EXPECT_EQ(plan.left, row.plan.left) << row.width;
    EXPECT_EQ(plan.top, row.plan.top) << row.width;
  }
}

TEST(Fit, CoversOrFitsInForEveryShape) {
  Random random({.seed = 9});
  for (int i = 0; i < 3000; ++i) {
    const auto side = [&] { return 1 + static_cast<int>(random.below(i % 2 == 0 ? 300 : 16384)); };
    const int w = side(), h = side(), width = side(), height = side();
    const FitPlan crop = plan_fit(w, h, width, height, Fit::kCrop);
    EXPECT_TRUE(crop.width >= width && crop.height >= height);
    EXPECT_TRUE(crop.width == width || crop.height == height);
    EXPECT_TRUE(crop.left + width <= crop.width && crop.top + height <= crop.height);
    const FitPlan pad = plan_fit(w, h, width, height, Fit::kPad);
    EXPECT_TRUE(pad.width <= width && pad.height <= height && pad.width > 0 && pad.height > 0);
    EXPECT_TRUE(pad.width == width || pad.height == height);
    EXPECT_TRUE(pad.left + pad.width <= width && pad.top + pad.height <= height);
  }
}

TEST(Fit, CropIsThePartOfTheWholeResize) {
  for (const auto& [w, h] : {std::pair(61, 40), {40, 61}, {3, 200}, {200, 3}, {20, 20}}) {
    const Image image = picture(w, h);
    for (const auto& [width, height] : {std::pair(20, 20), {7, 31}, {64, 48}}) {
      const FitPlan plan = plan_fit(w, h, width, height, Fit::kCrop);
      const Image whole = plain::resize(image, plan.width, plan.height);
      const Image part = fit_image(image, width, height, Fit::kCrop);
      for (int y = 0; y < height; ++y) {
        ASSERT_TRUE(std::equal(part.pixel(0, y), part.pixel(0, y) + 4 * width,
                               whole.pixel(plan.left, plan.top + y)))
            << w << "x" << h << " " << y;
      }
    }
  }
}

TEST(Fit, AStripOfPixelsTakesLittleMemory) {
  // As a whole, 200 x 3276800 pixels.
  const Image part = fit_image(picture(1, 16384), 200, 200, Fit::kCrop);
  EXPECT_EQ(part.height(), 200);
}

TEST(Fit, PadPutsTheMeanColourAround) {
  Image image(4, 1);
  for (int x = 0; x < 4; ++x) {
    for (int c = 0; c < 3; ++c) image.pixel(x, 0)[c] = static_cast<uint8_t>(10 * x + c);
  }
  const Image out = fit_image(image, 4, 4, Fit::kPad);
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(out.pixel(0, 0)[c], 15 + c);
    EXPECT_EQ(out.pixel(3, 3)[c], 15 + c);
    for (int x = 0; x < 4; ++x) EXPECT_EQ(out.pixel(x, 2)[c], 10 * x + c);  // half of 3 is 2
  }
}

TEST(Fit, NamesAreThoseOfTheSetting) {
  for (const Fit fit : {Fit::kStretch, Fit::kCrop, Fit::kPad}) {
    EXPECT_EQ(parse_fit(fit_name(fit)), fit);
  }
  EXPECT_EQ(parse_fit(""), Fit::kStretch);
  EXPECT_THAT(message_of([] { parse_fit("centre"); }), HasSubstr("expected stretch, crop or pad"));
}

}  // namespace
}  // namespace popaug
