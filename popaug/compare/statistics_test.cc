#include "popaug/compare/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "popaug/base/base.h"

namespace popaug {
namespace {

// Figures of SciPy 1.17: stats.ttest_rel, stats.t.interval.
TEST(Statistics, EqualsSciPy) {
  const std::vector<double> a = {0.91, 0.925, 0.903, 0.931, 0.917};
  const std::vector<double> b = {0.905, 0.921, 0.906, 0.92, 0.91};
  const PairedDifference d = paired_difference(a, b);
  EXPECT_NEAR(d.p, 0.10401792440382385, 1e-12);
  EXPECT_NEAR(d.interval.low, -0.0015555733409509465, 1e-14);
  EXPECT_NEAR(d.interval.high, 0.011155573340950953, 1e-14);
  const MeanSummary s = summarise(a);
  EXPECT_NEAR(s.deviation, 0.011233877335986905, 1e-15);
  EXPECT_NEAR(s.interval.low, 0.9032512989516679, 1e-13);
  EXPECT_NEAR(s.interval.high, 0.9311487010483321, 1e-13);
  EXPECT_NEAR(wilson(2, 40).low, 0.013820667386148358, 1e-14);
  EXPECT_NEAR(wilson(2, 40).high, 0.16503877369140962, 1e-14);
}

// SciPy: the first n at which stats.nct gives the power.
TEST(Statistics, SeedsNeededEqualsSciPysNoncentralT) {
  EXPECT_EQ(seeds_needed(0.6, 0.5), 14);
  EXPECT_EQ(seeds_needed(1.0, 0.5), 34);
  EXPECT_EQ(seeds_needed(2.0, 0.5), 128);
  EXPECT_EQ(seeds_needed(0.2, 1.0), 3);
}

TEST(Statistics, HolmStepsDown) {
  const std::vector<double> p = {0.01, 0.04, 0.03};
  const std::vector<double> adjusted = holm(p);
  EXPECT_NEAR(adjusted[0], 0.03, 1e-15);
  EXPECT_NEAR(adjusted[1], 0.06, 1e-15);
  EXPECT_NEAR(adjusted[2], 0.06, 1e-15);
}

// On data without any difference, at most the stated share of families finds one.
TEST(Statistics, FamilyErrorRateHoldsOnSimulatedData) {
  Random random({.seed = 5});
  constexpr int kFamilies = 2000, kSeeds = 6, kArms = 3;
  int false_alarms = 0, covered = 0;
  for (int family = 0; family < kFamilies; ++family) {
    std::vector<double> own(kSeeds);
    for (double& v : own) v = random.normal();
    std::vector<double> p;
    for (int arm = 0; arm < kArms; ++arm) {
      std::vector<double> other(kSeeds);
      for (double& v : other) v = random.normal();
      const PairedDifference d = paired_difference(own, other);
      p.push_back(d.p);
      covered += d.interval.low <= 0 && d.interval.high >= 0;
    }
    const std::vector<double> adjusted = holm(p);
    false_alarms +=
        std::any_of(adjusted.begin(), adjusted.end(), [](double q) { return q < 0.05; });
  }
  EXPECT_LT(false_alarms, 0.05 * kFamilies + 3 * std::sqrt(0.05 * 0.95 * kFamilies));
  EXPECT_GT(false_alarms, 0.02 * kFamilies);  // the tests share one arm: below 5 %, not near 0
  EXPECT_NEAR(covered / double(kFamilies * kArms), 0.95, 0.015);
}

TEST(Statistics, OneSeedHasNoInterval) {
  const std::vector<double> one = {0.5};
  EXPECT_TRUE(std::isnan(summarise(one).interval.low));
  EXPECT_THROW(paired_difference(one, one), Error);
  EXPECT_THROW(summarise({}), Error);
}

TEST(ShareVariance, IsThatOfADrawAndNever0) {
  EXPECT_NEAR(share_variance(0.7, 1000000), 0.7 * 0.3 / 1000000, 1e-11);
  EXPECT_DOUBLE_EQ(share_variance(1, 2), 0.75 * 0.25 / 4);
  EXPECT_GT(share_variance(0, 100), 0);
}

}  // namespace
}  // namespace popaug
