#include "popaug/compare/symmetry.h"

#include <gtest/gtest.h>

namespace popaug {
namespace {

ArmResult seen(double plain, double mirrored, std::optional<double> turned, int64_t images) {
  ArmResult result;
  result.tested = images;
  result.wrong = images - static_cast<int64_t>(plain * static_cast<double>(images));
  result.accuracy = plain;
  result.mirrored = mirrored;
  result.turned = turned;
  return result;
}

bool allowed(int classes, const ArmResult& result, const std::string& symmetry) {
  SymmetryTests tests(classes);
  tests.add(result);
  tests.decide();
  return !tests.leaves_out(symmetry);
}

// The shares that networks without flips had on a fold of real sets (docs/decisions/choose.md).
TEST(SymmetryTests, ForbidWhatIsNoLongerRecognised) {
  EXPECT_FALSE(allowed(28, seen(0.91, 0.21, 0.08, 252), "flip"));  // letters
  EXPECT_FALSE(allowed(28, seen(0.91, 0.21, 0.08, 252), "dihedral"));
  EXPECT_FALSE(allowed(6, seen(0.96, 0.0, 0.24, 250), "flip"));   // which side a shoe points to
  EXPECT_TRUE(allowed(10, seen(0.51, 0.53, 0.22, 250), "flip"));  // photographs
  EXPECT_FALSE(allowed(10, seen(0.51, 0.53, 0.19, 250), "dihedral"));
  EXPECT_TRUE(allowed(7, seen(0.71, 0.66, 0.67, 252), "dihedral"));  // from above
  EXPECT_TRUE(allowed(6, seen(0.71, 0.61, 0.55, 250), "dihedral"));  // things lying on a table
}

TEST(SymmetryTests, NeedImagesToBeSure) {
  EXPECT_FALSE(allowed(4, seen(0.9, 0.3, {}, 200), "flip"));
  EXPECT_TRUE(allowed(4, seen(0.9, 0.35, {}, 10), "flip"));
  // Ten networks that were judged by ten images know no more of other images.
  SymmetryTests tests(4);
  for (int training = 0; training < 10; ++training) tests.add(seen(0.9, 0.35, {}, 10));
  EXPECT_TRUE(tests.decide().empty());
  EXPECT_EQ(tests.tests()[0].images, 10);
  EXPECT_EQ(tests.tests()[0].networks, 10);
  // A network that learned nothing says nothing.
  EXPECT_TRUE(allowed(4, seen(0.25, 0.2, 0.2, 500), "flip"));
}

TEST(SymmetryTests, TurnsContainTheMirror) {
  EXPECT_FALSE(allowed(6, seen(0.96, 0.0, 0.9, 250), "dihedral"));
  EXPECT_TRUE(allowed(6, seen(0.96, 0.0, {}, 250), "dihedral"));  // not square: not looked at
  EXPECT_FALSE(SymmetryTests(10).leaves_out("flip"));
  EXPECT_TRUE(SymmetryTests(10).tests().empty());
}

TEST(SymmetryTests, DecideOnceAndForGood) {
  SymmetryTests tests(10);
  tests.add(seen(0.8, 0.2, 0.2, 200));
  EXPECT_EQ(tests.decide().size(), 2u);
  tests.add(seen(0.8, 0.8, 0.8, 200));
  EXPECT_TRUE(tests.decide().empty());
  EXPECT_TRUE(tests.leaves_out("flip"));
  EXPECT_TRUE(tests.tests()[0].left_out);
}

}  // namespace
}  // namespace popaug
