// Rows of the op table: the promises they make, and the errors at the door.
#include "popaug/augment/op.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "popaug/augment/check_op.h"

namespace popaug {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string sentence_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(OpTable, StartsInTheOrderOfTheReference) {
  const std::vector<std::string> expected = {
      "Rotate", "TranslateX", "TranslateY",   "Brightness", "Color",
      "Invert", "Sharpness",  "Posterize",    "ShearX",     "Solarize",
      "ShearY", "Equalize",   "AutoContrast", "Cutout",     "Contrast",
      "FlipLR", "FlipUD",     "CropBilinear", "Blur",       "Smooth"};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(op_rows().at(i).name, expected[i]);
}

TEST(OpTable, BuiltInRowsKeepTheirPromises) {
  for (const OpRow& row : op_rows()) {
    if (row.origin != "built-in") continue;
    EXPECT_THAT(check_op_row(row), IsEmpty()) << row.name;
  }
}

TEST(OpTable, BrokenPromisesAreSeen) {
  const OpRow good = *find_op("Invert");
  const auto faults_of = [](OpRow row, OpFunction function) {
    row.plain = std::move(function);
    return check_op_row(row);
  };
  EXPECT_THAT(faults_of(good, [](Image& image, double,
                                 OpContext& c) { image.data()[0] ^= c.random->next32(); }),
              Contains(HasSubstr("its row says it does not")));
  EXPECT_THAT(faults_of(good, [](Image& image, double v,
                                 OpContext&) { image.data()[3] = static_cast<uint8_t>(v); }),
              Contains(HasSubstr("its row says it ignores")));
  EXPECT_THAT(faults_of(good, [](Image& image, double, OpContext&) { image = Image(3, 3); }),
              Contains(HasSubstr("changes the size")));
  EXPECT_THAT(faults_of(good, [](Image& image, double, OpContext&) { image.data()[0] ^= 255; }),
              Contains(HasSubstr("makes a grey image coloured")));
  OpRow keeps = good;
  keeps.changes_grey = false;
  EXPECT_THAT(check_op_row(keeps), Contains(HasSubstr("its row says it cannot")));
  OpRow keeps_holes = *find_op("Cutout");
  keeps_holes.holes = HoleEffect::kKeeps;
  EXPECT_THAT(check_op_row(keeps_holes), Contains(HasSubstr("its row says it does not")));
  OpRow fills = *find_op("FlipUD");
  fills.holes = HoleEffect::kFills;
  EXPECT_THAT(check_op_row(fills), Contains(HasSubstr("its row says it fills them")));
  OpRow uncovers = *find_op("Cutout");
  uncovers.holes = HoleEffect::kUncovers;
  EXPECT_THAT(check_op_row(uncovers), Contains(HasSubstr("asks for black")));
  OpRow still = *find_op("Rotate");
  still.identity = 90;
  EXPECT_THAT(check_op_row(still), Contains(HasSubstr("at its identity value")));
}

TEST(OpTable, RefusesRowsThatContradictThemselves) {
  OpRow row = *find_op("Rotate");
  row.origin = "mine";
  EXPECT_THAT(sentence_of([&] { register_op(row); }),
              HasSubstr("mine: op \"Rotate\" is already known"));
  row.name = "1st";
  EXPECT_THAT(sentence_of([&] { register_op(row); }), HasSubstr("starts with a letter"));
  row.name = "Mine";
  row.low = NAN;
  EXPECT_THAT(sentence_of([&] { register_op(row); }), HasSubstr("two finite numbers"));
  row.low = 2;
  EXPECT_THAT(sentence_of([&] { register_op(row); }), HasSubstr("outside its own range"));
  row.plain = nullptr;
  EXPECT_THAT(sentence_of([&] { register_op(row); }), HasSubstr("has no function"));
  EXPECT_EQ(find_op("Mine"), nullptr);
}

TEST(OpTable, RegisteredRowsAreUsed) {
  OpRow row = *find_op("Invert");
  row.name = "TestBlacken";
  row.origin = "op_test";
  row.plain = [](Image& image, double, OpContext&) {
    image = Image(image.width(), image.height());
  };
  register_op(row);
  Image image(2, 2);
  image.data()[0] = 9;
  OpContext context;
  apply_op(image, "TestBlacken", 0, context);
  EXPECT_EQ(image, Image(2, 2));
  // The copied row's kernel inverts; a registered row has none.
  EXPECT_EQ(find_op("TestBlacken")->run, nullptr);
}

TEST(OpTable, ApplyChecksItsInput) {
  Image image(2, 2), empty(0, 3);
  OpContext context;
  EXPECT_THAT(sentence_of([&] { apply_op(image, "Rotat", 0, context); }),
              HasSubstr("nearest: \"Rotate\""));
  EXPECT_THAT(sentence_of([&] { apply_op(image, "Rotate", NAN, context); }),
              HasSubstr("outside -360..360"));
  EXPECT_THAT(sentence_of([&] { apply_op(image, "Posterize", 9, context); }),
              HasSubstr("outside 0..8"));
  EXPECT_THAT(sentence_of([&] { apply_op(empty, "Invert", 0, context); }),
              HasSubstr("the image is empty"));
}

}  // namespace
}  // namespace popaug
