#include "popaug/compare/own_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace popaug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

OwnComparisonSettings three_arms() {
  OwnComparisonSettings settings;
  Schedule tuned = baseline_schedule("trivial");
  settings.arms = {{"flipcrop", {}, {}}, {"tuned", tuned, {}}, {"mine", {}, "code of mine"}};
  settings.seeds = {3, 9};
  settings.epochs = 5;
  return settings;
}

// Scores are better for later arms, and differ a little between seeds.
void tell_all(OwnComparison& comparison, std::vector<std::string>* trained = nullptr) {
  const std::vector<std::string> names = {"flipcrop", "tuned", "mine"};
  while (const std::optional<OwnTraining> training = comparison.take()) {
    if (trained != nullptr) {
      trained->push_back(training->arm + "-" + std::to_string(training->seed));
    }
    const auto place = std::find(names.begin(), names.end(), training->arm) - names.begin();
    const double score = 0.5 + 0.1 * double(place) + 0.001 * double(training->seed * (place + 1));
    comparison.tell(training->number, {score, 100, 1800});
  }
}

TEST(OwnComparison, TakesSeedBySeedAndJudgesTheScores) {
  const TemporaryFolder folder;
  OwnComparison comparison(three_arms(), {folder.path() / "run", false, "epochs = 5\n"});
  std::vector<std::string> trained;
  tell_all(comparison, &trained);
  EXPECT_THAT(trained,
              ElementsAre("flipcrop-3", "tuned-3", "mine-3", "flipcrop-9", "tuned-9", "mine-9"));
  ASSERT_TRUE(comparison.finished());
  const Comparison found = comparison.finish();
  ASSERT_EQ(found.arms.size(), 3u);
  EXPECT_NEAR(found.arms[2].score.mean, 100 * (0.7 + 0.003 * 6), 1e-9);
  EXPECT_EQ(found.arms[2].core_hours, 1);
  EXPECT_EQ(found.arms[2].images_trained, 100);
  // A schedule without a search behind it and a transform are what others must hold against.
  EXPECT_THAT(found.arms[0].verdict, HasSubstr("against mine"));
  EXPECT_EQ(read_json(folder.path() / "run/compare.json"), comparison_to_json(found));
  EXPECT_EQ(read_file(folder.path() / "run/config.toml"), "epochs = 5\n");
}

TEST(OwnComparison, GivesSchedulesOfTheLengthAndNoneForATransform) {
  const TemporaryFolder folder;
  OwnComparison comparison(three_arms(), {folder.path() / "run", false, ""});
  EXPECT_EQ(comparison.take()->schedule->epochs(), 5);
  EXPECT_EQ(comparison.take()->schedule->name, baseline_schedule("trivial").name);
  EXPECT_FALSE(comparison.take()->schedule.has_value());
}

TEST(OwnComparison, WhatIsGivenBackIsTakenAgain) {
  const TemporaryFolder folder;
  OwnComparison comparison(three_arms(), {folder.path() / "run", false, ""});
  const int number = comparison.take()->number;
  EXPECT_NE(comparison.take()->number, number);
  comparison.give_back(number);
  EXPECT_THROW(comparison.give_back(number), UsageError);
  EXPECT_EQ(comparison.take()->number, number);
  comparison.tell(number, {0.5, 0, 0});
  EXPECT_THROW(comparison.tell(number, {0.5, 0, 0}), UsageError);
  EXPECT_THROW(comparison.finish(), UsageError);
}

TEST(OwnComparison, ResumesWithWhatIsMissing) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  {
    OwnComparison comparison(three_arms(), {run, false, ""});
    for (int i = 0; i < 2; ++i) comparison.tell(comparison.take()->number, {0.25, 1, 1});
  }
  EXPECT_THROW(OwnComparison(three_arms(), {run, false, ""}), UsageError);
  OwnComparison comparison(three_arms(), {run, true, ""});
  EXPECT_EQ(comparison.done(), 2);
  std::vector<std::string> trained;
  tell_all(comparison, &trained);
  EXPECT_THAT(trained, ElementsAre("mine-3", "flipcrop-9", "tuned-9", "mine-9"));
}

TEST(OwnComparison, RefusesWhatWasTrainedWithSomethingElse) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  {
    OwnComparison comparison(three_arms(), {run, false, ""});
    tell_all(comparison);
  }
  const auto message = [&](const OwnComparisonSettings& settings) -> std::string {
    try {
      OwnComparison comparison(settings, {run, true, ""});
    } catch (const UsageError& error) {
      return error.what();
    }
    return "taken";
  };
  EXPECT_EQ(message(three_arms()), "taken");
  OwnComparisonSettings other = three_arms();
  other.arms[2].transform = "other code";
  EXPECT_THAT(message(other), HasSubstr("the arm \"mine\" with another transform"));
  other = three_arms();
  other.arms[1].schedule = baseline_schedule("none");
  EXPECT_THAT(message(other), HasSubstr("the arm \"tuned\" with another schedule"));
  other = three_arms();
  other.metric = {"loss", true, false};
  EXPECT_THAT(message(other), HasSubstr("metric"));
  EXPECT_EQ(message(three_arms()), "taken");
}

TEST(OwnComparison, ScoresMustBeWhatTheMeasureSays) {
  const TemporaryFolder folder;
  OwnComparison comparison(three_arms(), {folder.path() / "run", false, ""});
  const int number = comparison.take()->number;
  EXPECT_THROW(comparison.tell(number, {std::nan(""), 0, 0}), UsageError);
  EXPECT_THROW(comparison.tell(number, {73.4, 0, 0}), UsageError);
  comparison.tell(number, {0.734, 0, 0});
  OwnComparisonSettings loss = three_arms();
  loss.metric = {"loss", true, false};
  OwnComparison other(loss, {folder.path() / "other", false, ""});
  other.tell(other.take()->number, {73.4, 0, 0});
}

TEST(OwnComparison, ALowerLossIsBetter) {
  const TemporaryFolder folder;
  OwnComparisonSettings settings = three_arms();
  settings.arms.resize(2);
  settings.seeds = {0, 1, 2};
  settings.metric = {"loss", true, false};
  OwnComparison comparison(settings, {folder.path() / "run", false, ""});
  while (const std::optional<OwnTraining> training = comparison.take()) {
    const double first = training->arm == "flipcrop" ? 2.5 : 1.5;
    comparison.tell(training->number,
                    {first + 0.01 * double(training->seed) * (first > 2 ? 1 : 1.1), 0, 0});
  }
  const Comparison found = comparison.finish();
  EXPECT_FALSE(found.arms[0].better);
  EXPECT_TRUE(found.arms[1].better);
  EXPECT_LT(found.arms[1].free[0].difference.mean, 0);
  EXPECT_THAT(found.verdict, HasSubstr("tuned: better than flip + crop (-0.999"));
  EXPECT_THAT(found.verdict, HasSubstr("in loss"));
  EXPECT_THAT(found.arms[0].verdict, HasSubstr("worse than tuned"));
  const Json json = comparison_to_json(found);
  EXPECT_EQ(json["metric"], Json({{"name", "loss"}, {"better", "lower"}}));
  EXPECT_TRUE(json["arms"][0].contains("score"));
  EXPECT_FALSE(json["arms"][0].contains("error"));
}

TEST(OwnComparison, ArmsThatNeedValidationImagesAreRefused) {
  const TemporaryFolder folder;
  for (const char* name : {"choose", "randaugment-tuned", "trivial@7", "schedule", ""}) {
    OwnComparisonSettings settings = three_arms();
    settings.arms.push_back({name, {}, {}});
    EXPECT_THROW(OwnComparison(settings, {folder.path() / "run", false, ""}), UsageError) << name;
  }
  EXPECT_FALSE(fs::exists(folder.path() / "run"));
}

}  // namespace
}  // namespace popaug
