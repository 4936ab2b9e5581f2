#include "popaug/augment/space.h"

#include <gtest/gtest.h>

#include "popaug/augment/op.h"

namespace popaug {
namespace {

TEST(Space, BuiltInSpacesAreSoundAndSurviveJson) {
  for (const std::string& name : space_names()) {
    const Space space = space_by_name(name);
    EXPECT_EQ(space.name, name);
    check_space(space, name);
    EXPECT_EQ(space_from_json(space_to_json(space), name), space);
  }
}

TEST(Space, PbaHoldsTheValuesOfTheReference) {
  const Space space = space_by_name("pba");
  ASSERT_EQ(space.ops.size(), 15u);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(space.ops[i].op, op_rows()[i].name);
  for (int m = 0; m <= 10; ++m) {
    const auto value = [&](const char* op) { return space.ops[space.index_of(op)].values[m]; };
    EXPECT_EQ(value("Rotate"), 3 * m);
    EXPECT_EQ(value("TranslateX"), m);
    EXPECT_EQ(value("Brightness"), m * 1.8 / 10 + 0.1);
    EXPECT_EQ(value("Posterize"), 4 - static_cast<int>(0.4 * m));
    EXPECT_EQ(value("Solarize"), 256 - static_cast<int>(25.6 * m));
    EXPECT_EQ(value("Cutout"), 2 * m);
    EXPECT_NEAR(value("ShearX"), 0.03 * m, 1e-15);
  }
  EXPECT_EQ(space.ops[space.index_of("Contrast")].values[5], 1.0);
}

}  // namespace
}  // namespace popaug
