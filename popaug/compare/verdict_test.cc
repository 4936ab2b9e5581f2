#include "popaug/compare/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace popaug {
namespace {

using ::testing::HasSubstr;

// Trainings whose accuracies are given, arm by arm and seed by seed.
Comparison judge_given(const std::vector<std::pair<std::string, std::vector<double>>>& given) {
  std::vector<Arm> arms;
  std::vector<uint64_t> seeds;
  std::vector<ArmResult> results;
  for (const auto& [name, accuracies] : given) {
    Arm arm;
    arm.name = arm.title = name;
    arm.reference = name == "flipcrop" || name == "trivial";
    if (name == "schedule") arm.family = ArmFamily::kLearned;
    if (name == "drift") arm.family = ArmFamily::kControl;
    arms.push_back(arm);
    for (size_t s = 0; s < accuracies.size(); ++s) {
      ArmResult result;
      result.arm = name;
      result.seed = s;
      result.accuracy = accuracies[s];
      results.push_back(result);
    }
  }
  for (size_t s = 0; s < given.front().second.size(); ++s) seeds.push_back(s);
  return judge(arms, seeds, results);
}

TEST(Verdict, BetterNeedsEveryReference) {
  const std::vector<double> low = {0.80, 0.81, 0.79, 0.80}, high = {0.85, 0.862, 0.839, 0.851};
  Comparison c = judge_given({{"schedule", high}, {"flipcrop", low}, {"trivial", low}});
  EXPECT_TRUE(c.arms[0].better);
  EXPECT_THAT(c.arms[0].verdict, HasSubstr("better than flipcrop and trivial"));
  c = judge_given({{"schedule", high}, {"flipcrop", low}, {"trivial", high}});
  EXPECT_FALSE(c.arms[0].better);
  EXPECT_TRUE(c.arms[0].not_worse);
  EXPECT_THAT(c.arms[0].verdict, HasSubstr("not worse than flipcrop and trivial"));
}

TEST(Verdict, NoisyEqualityIsNoDifferenceNotNotWorse) {
  const Comparison c =
      judge_given({{"schedule", {0.80, 0.84, 0.78, 0.83}}, {"flipcrop", {0.82, 0.80, 0.81, 0.80}}});
  EXPECT_FALSE(c.arms[0].better);
  EXPECT_FALSE(c.arms[0].not_worse);
  EXPECT_THAT(c.arms[0].verdict, HasSubstr("no difference shown"));
  EXPECT_THAT(c.arms[0].verdict, HasSubstr("seeds could show 0.5 points"));
}

TEST(Verdict, WorseIsSaid) {
  const Comparison c = judge_given(
      {{"schedule", {0.70, 0.71, 0.69, 0.70}}, {"flipcrop", {0.80, 0.812, 0.79, 0.80}}});
  EXPECT_THAT(c.arms[0].verdict, HasSubstr("worse than flipcrop"));
  EXPECT_THAT(c.arms[0].verdict, HasSubstr("-10"));
}

TEST(Verdict, TheScheduleIsTheQuestionAndMeetsItsControls) {
  const Comparison c = judge_given({{"flipcrop", {0.80, 0.81, 0.79}},
                                    {"schedule", {0.70, 0.712, 0.69}},
                                    {"drift", {0.71, 0.70, 0.70}}});
  EXPECT_THAT(c.verdict, HasSubstr("schedule: worse than flipcrop"));
  ASSERT_EQ(c.arms[1].controls.size(), 1u);
  EXPECT_EQ(c.arms[1].controls[0].against, "drift");
  EXPECT_TRUE(c.arms[2].controls.empty());
}

TEST(Verdict, OneSeedGivesNoIntervalAndSaysWhy) {
  const Comparison c = judge_given({{"schedule", {0.7}}, {"flipcrop", {0.8}}});
  EXPECT_THAT(c.verdict, HasSubstr("one seed gives no spread"));
  EXPECT_TRUE(c.arms[0].free.empty());
  EXPECT_TRUE(comparison_to_json(c)["arms"][0]["interval"].is_null());
  EXPECT_THAT(comparison_text(c), HasSubstr("no interval"));
}

TEST(Verdict, AnAccuracysIntervalStaysWithinItsRange) {
  const Comparison c = judge_given({{"schedule", {0.97, 0.99}}, {"flipcrop", {0.02, 0.05}}});
  EXPECT_EQ(c.arms[0].score.interval.high, 100);
  EXPECT_GT(c.arms[0].score.interval.low, 80);
  EXPECT_EQ(c.arms[1].score.interval.low, 0);
}

// How often verdicts are wrong over simulated comparisons in which the true difference of the
// schedule to both references is `difference` points and every training has noise of its own.
struct VerdictRates {
  double better = 0, not_worse = 0;
};
VerdictRates simulate_verdicts(double difference, int seeds, int repeats) {
  std::mt19937_64 engine(17);
  std::normal_distribution<double> noise(0, 0.006);
  VerdictRates rates;
  for (int r = 0; r < repeats; ++r) {
    std::vector<std::pair<std::string, std::vector<double>>> given = {
        {"schedule", {}}, {"flipcrop", {}}, {"trivial", {}}};
    for (int s = 0; s < seeds; ++s) {
      const double of_seed = 0.8 + 2 * noise(engine);  // shared by the arms: that is what pairs
      given[0].second.push_back(of_seed + difference / 100 + noise(engine));
      for (int k = 1; k <= 2; ++k) given[k].second.push_back(of_seed + noise(engine));
    }
    const Comparison c = judge_given(given);
    rates.better += c.arms[0].better ? 1.0 / repeats : 0;
    rates.not_worse += c.arms[0].not_worse ? 1.0 / repeats : 0;
  }
  return rates;
}

TEST(Verdict, StatedErrorRatesHoldOnSimulatedComparisons) {
  // 'better' where nothing differs: below 5 %; 'not worse' where it is worse by the margin: below
  // 2.5 % (one end of a 95 % interval). Standard error of a rate over 1,000: 0.007.
  EXPECT_LT(simulate_verdicts(0, 5, 1000).better, 0.05);
  EXPECT_LT(simulate_verdicts(-0.5, 5, 1000).not_worse, 0.025 + 0.01);
  // The verdicts are possible: 10 seeds nearly always show a true gain of 2 points.
  EXPECT_GT(simulate_verdicts(2, 10, 500).better, 0.9);
  EXPECT_GT(simulate_verdicts(0.5, 20, 500).not_worse, 0.9);
}

TEST(Verdict, JsonAndMarkdownHoldTheFigures) {
  const Comparison c = judge_given({{"schedule", {0.80, 0.81}}, {"flipcrop", {0.79, 0.805}}});
  const Json json = comparison_to_json(c);
  EXPECT_DOUBLE_EQ(json["arms"][0]["error"].get<double>(), 19.5);
  EXPECT_NEAR(json["arms"][0]["free"][0]["difference"].get<double>(), 0.75, 1e-12);
  EXPECT_THAT(comparison_markdown(c), HasSubstr("| 80.50 ("));
}

}  // namespace
}  // namespace popaug
