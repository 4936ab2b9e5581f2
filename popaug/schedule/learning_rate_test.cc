#include "popaug/schedule/learning_rate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "popaug/base/base.h"

namespace popaug {
namespace {

TEST(LearningRate, IsThePublishedOne) {
  // 31 steps an epoch, 200 epochs: first and last step, and the middle.
  EXPECT_NEAR(learning_rate("cosine", 0.1, 0, {0, 0, 31, 200}),
              0.1 * (1 + std::cos(std::numbers::pi / 6200)) / 2, 1e-15);
  EXPECT_NEAR(learning_rate("cosine", 0.1, 0, {199, 30, 31, 200}), 0, 1e-15);
  EXPECT_NEAR(learning_rate("cosine", 0.1, 0, {99, 30, 31, 200}), 0.05, 1e-15);
  EXPECT_EQ(learning_rate("svhn-steps", 0.1, 0, {79, 6, 7, 160}), 0.1);
  EXPECT_EQ(learning_rate("svhn-steps", 0.1, 0, {80, 0, 7, 160}), 0.1 * 0.1);
  EXPECT_EQ(learning_rate("svhn-steps", 0.1, 0, {120, 0, 7, 160}), 0.1 * 0.01);
  EXPECT_EQ(learning_rate("constant", 0.1, 4, {0, 1, 7, 160}), 0.05);
  EXPECT_EQ(learning_rate("constant", 0.1, 4, {0, 4, 7, 160}), 0.1);
  EXPECT_THROW(check_learning_rate_rule("cosin"), UsageError);
}

// Other lengths move the steps of svhn-steps in proportion: epochs 20 and 30 of 40.
TEST(LearningRate, StepsMoveWithTheLength) {
  for (int epoch = 0; epoch < 40; ++epoch) {
    const double factor = epoch < 20 ? 1 : epoch < 30 ? 0.1 : 0.01;
    EXPECT_EQ(learning_rate("svhn-steps", 0.1, 0, {epoch, 0, 7, 40}), 0.1 * factor) << epoch;
  }
}

}  // namespace
}  // namespace popaug
