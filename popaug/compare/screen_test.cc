#include "popaug/compare/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <numeric>

#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Truth = std::function<double(const Recipe&)>;
using Metrics = std::map<std::string, double>;

const std::vector<Recipe>& grid() {
  static const std::vector<Recipe> recipes = grid_recipes({}, true);
  return recipes;
}

// Error points of a set on which flips help by 3 and the strength is best at a quarter.
double photographs(const Recipe& recipe) {
  const double s = recipe.strength - 0.25;
  return 80 * s * s - (recipe.symmetry == "flip" ? 3 : 0) + (recipe.symmetry == "dihedral" ? 5 : 0);
}

int best_of(const std::vector<double>& effect) {
  return static_cast<int>(std::min_element(effect.begin(), effect.end()) - effect.begin());
}

TEST(FitScreen, WithoutNoiseTheTruthComesOut) {
  std::vector<ScreenValue> values;
  for (int fold = 0; fold < 4; ++fold) {
    for (size_t r = 0; r < grid().size(); ++r) {
      values.push_back({static_cast<int>(r), fold, 20 + 3.0 * fold + photographs(grid()[r])});
    }
  }
  const ScreenFit fit = fit_screen(grid(), values);
  double mean = 0;
  for (const Recipe& recipe : grid()) mean += photographs(recipe) / 9;
  for (size_t r = 0; r < grid().size(); ++r) {
    EXPECT_NEAR(fit.effect[r], photographs(grid()[r]) - mean, 0.25) << grid()[r].arm.name;
  }
  EXPECT_EQ(grid()[best_of(fit.effect)].arm.name, "mild");
  EXPECT_NEAR(std::accumulate(fit.effect.begin(), fit.effect.end(), 0.0), 0, 1e-9);
}

TEST(FitScreen, FoldsDoNotCount) {
  std::vector<ScreenValue> values;
  for (size_t r = 0; r < grid().size(); ++r) {
    for (int fold = 0; fold < 2; ++fold) {
      values.push_back({static_cast<int>(r), fold, photographs(grid()[r])});
    }
  }
  const ScreenFit before = fit_screen(grid(), values);
  for (ScreenValue& value : values) value.value += value.fold == 0 ? 40 : -10;
  const ScreenFit after = fit_screen(grid(), values);
  for (size_t r = 0; r < grid().size(); ++r) {
    EXPECT_NEAR(before.effect[r], after.effect[r], 1e-2);  // folds have a wide prior, not none
  }
}

// A recipe that never trained is estimated from its row and its column.
TEST(FitScreen, WhatDidNotTrainIsKnownFromItsRowAndColumn) {
  std::vector<ScreenValue> values;
  int left_out = -1;
  for (size_t r = 0; r < grid().size(); ++r) {
    if (grid()[r].arm.name == "mild") {
      left_out = static_cast<int>(r);
      continue;
    }
    values.push_back({static_cast<int>(r), 0, photographs(grid()[r])});
  }
  const ScreenFit fit = fit_screen(grid(), values);
  EXPECT_EQ(best_of(fit.effect), left_out);
  const int other = left_out == 0 ? 1 : 0;
  const int third = 2;
  EXPECT_GT(fit.half_interval(left_out, other), fit.half_interval(other, third));
  EXPECT_EQ(fit.half_interval(other, other), 0);
}

// The model chooses better than the best mean of each recipe alone, and its deviations are honest.
TEST(FitScreen, ChoosesBetterThanMeansAlone) {
  Random random({.seed = 1, .purpose = Purpose::kTest, .stream = 7});
  constexpr int kRuns = 400;
  double by_model = 0, by_means = 0;
  int covered = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<ScreenValue> values;
    std::vector<double> means(grid().size());
    for (size_t r = 0; r < grid().size(); ++r) {
      for (int fold = 0; fold < 2; ++fold) {
        const double value = photographs(grid()[r]) + 2.5 * random.normal();
        values.push_back({static_cast<int>(r), fold, value});
        means[r] += value / 2;
      }
    }
    const ScreenFit fit = fit_screen(grid(), values);
    by_model += photographs(grid()[best_of(fit.effect)]) + 3;
    by_means += photographs(grid()[best_of(means)]) + 3;
    const double truth = photographs(grid()[0]) - photographs(grid()[8]);
    covered += std::abs(fit.effect[0] - fit.effect[8] - truth) < fit.half_interval(0, 8);
  }
  std::printf("regret: model %.3f, means %.3f; intervals cover %d of %d\n", by_model / kRuns,
              by_means / kRuns, covered, kRuns);
  EXPECT_LT(by_model, 0.9 * by_means);
  EXPECT_GT(covered, kRuns * 85 / 100);
}

// Few trainings can agree by luck. What is known of their images keeps the intervals honest.
TEST(FitScreen, AgreementOfFewTrainingsDoesNotNarrowTheIntervals) {
  constexpr double kVariance = 2.5 * 2.5;
  std::vector<ScreenValue> values;
  for (int fold = 0; fold < 2; ++fold) {
    for (int r = 0; r < 2; ++r) values.push_back({r, fold, 30, kVariance});
  }
  const ScreenFit fit = fit_screen(grid(), values);
  EXPECT_EQ(fit.degrees, kVarianceDegrees + 2);
  EXPECT_GT(fit.noise, 2);
  EXPECT_GT(fit.half_interval(0, 1), 3);
  // Without it they would say that there is no difference, and be sure.
  for (ScreenValue& value : values) value.variance = 0;
  EXPECT_LT(fit_screen(grid(), values).half_interval(0, 1), 0.3);
}

TEST(FitScreen, IntervalsOfFourTrainingsCoverTheTruth) {
  Random random({.seed = 2, .purpose = Purpose::kTest, .stream = 7});
  constexpr int kRuns = 1000;
  int covered = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<ScreenValue> values;
    for (int fold = 0; fold < 2; ++fold) {
      for (int r = 0; r < 2; ++r) {
        values.push_back({r, fold, photographs(grid()[r]) + 2.5 * random.normal(), 2.5 * 2.5});
      }
    }
    const ScreenFit fit = fit_screen(grid(), values);
    const double truth = photographs(grid()[0]) - photographs(grid()[1]);
    covered += std::abs(fit.effect[0] - fit.effect[1] - truth) < fit.half_interval(0, 1);
  }
  EXPECT_GT(covered, kRuns * 94 / 100);
}

TEST(ScreenStages, AreHalvedAndAddUp) {
  EXPECT_THAT(screen_stages(21, 9, 4), ElementsAre(9, 6, 4, 2));
  EXPECT_THAT(screen_stages(4, 9, 4), ElementsAre(2, 2));
  EXPECT_THAT(screen_stages(36, 9, 4), ElementsAre(9, 9, 9, 9));
  for (int recipes = 2; recipes <= 12; ++recipes) {
    for (int folds = 2; folds <= 6; ++folds) {
      for (int trainings = 4; trainings <= recipes * folds; ++trainings) {
        const std::vector<int> stages = screen_stages(trainings, recipes, folds);
        const int sum = std::accumulate(stages.begin(), stages.end(), 0);
        EXPECT_LE(sum, trainings);
        EXPECT_GE(sum, trainings - (recipes == 2 ? 1 : 0))
            << trainings << " of " << recipes << ", folds " << folds;
        for (const int stage : stages) {
          EXPECT_GE(stage, 2);
          EXPECT_LE(stage, recipes);
        }
        EXPECT_TRUE(std::is_sorted(stages.rbegin(), stages.rend()));
      }
    }
  }
}

// Accuracy and loss by recipe, with the luck of the seed and noise; no network.
class FakeTrainer : public Trainer {
 public:
  FakeTrainer(double error, double noise, uint64_t run, std::string name, const Metrics& turned,
              int64_t images, std::atomic<int>& count)
      : error_(error),
        noise_(noise),
        run_(run),
        name_(std::move(name)),
        turned_(turned),
        images_(images),
        count_(count) {}
  RoundResult run(const RoundWork& work, const std::function<void(double)>&,
                  const StopToken&) override {
    RoundResult r;
    r.images_trained = 100 * work.epochs;
    if (!work.to.empty()) write_file_atomic(work.to, "weights");
    if (!work.evaluate) return r;
    ++count_;
    const uint64_t own = std::hash<std::string>()(name_) & 0xffff;
    Random luck({.seed = run_, .purpose = Purpose::kTest, .stream = 1, .sample = work.seed});
    Random noise(
        {.seed = run_, .purpose = Purpose::kTest, .stream = 2, .epoch = own, .sample = work.seed});
    const double error = 30 + error_ + 4 * luck.normal() + noise_ * noise.normal();
    r.images_evaluated = images_;
    r.correct.assign(static_cast<size_t>(images_), 0);
    const double share = std::clamp(1 - error / 100, 0.0, 1.0);
    const auto right = static_cast<ptrdiff_t>(std::lround(share * static_cast<double>(images_)));
    std::fill(r.correct.begin(), r.correct.begin() + right, uint8_t{1});
    r.score = 1 - error / 100;
    r.metrics["val_loss"] = error / 30 + 0.02 * noise_ * noise.normal();
    if (work.turned) r.metrics.insert(turned_.begin(), turned_.end());
    return r;
  }

 private:
  double error_, noise_;
  uint64_t run_;
  std::string name_;
  Metrics turned_;
  int64_t images_;
  std::atomic<int>& count_;
};

struct Screened {
  ScreenOutcome outcome;
  int trainings = 0;
};

ScreenSettings settings_of(int trainings) {
  ScreenSettings settings;
  settings.recipes = grid();
  settings.classes = 10;
  settings.trainings = trainings;
  settings.epochs = 3;
  settings.fold_images = 100;
  return settings;
}

Screened screen(const ScreenSettings& settings, const Truth& truth, double noise,
                const fs::path& folder, uint64_t run = 1, int workers = 2,
                const Metrics& turned = {}, int64_t images = 10000) {
  std::atomic<int> count{0};
  const FoldTrainers trainers = [&](int) -> ArmTrainerFactory {
    return [&](const Schedule& schedule, Judge judge) {
      EXPECT_EQ(judge, Judge::kValidation);
      const auto recipe =
          std::find_if(settings.recipes.begin(), settings.recipes.end(),
                       [&](const Recipe& r) { return r.arm.name == schedule.name; });
      return std::make_unique<FakeTrainer>(truth(*recipe), noise, run, schedule.name, turned,
                                           images, count);
    };
  };
  fs::create_directories(folder);
  Screened result;
  result.outcome = run_screen(settings, trainers, {folder, workers}, silent_progress(), {});
  result.trainings = count;
  return result;
}

TEST(RunScreen, TakesTheBestAndSaysWhatEachPartIsWorth) {
  const TemporaryFolder folder;
  const Screened result = screen(settings_of(21), photographs, 0.5, folder.path());
  EXPECT_EQ(result.trainings, 21);
  EXPECT_EQ(result.outcome.images_trained, 21 * 3 * 100);
  EXPECT_EQ(result.outcome.winner, "mild");
  ASSERT_EQ(result.outcome.worth.size(), 4u);
  const auto worth = [&](const std::string& level) {
    for (const FactorWorth& each : result.outcome.worth) {
      if (each.level == level) return each;
    }
    throw Error("no level " + level);
  };
  EXPECT_NEAR(worth("flip").points, 3, 1.5);
  EXPECT_NEAR(worth("dihedral").points, -5, 2);
  EXPECT_NEAR(worth("0.25").points, 5, 1.5);
  EXPECT_GT(worth("0.25").half_interval, 0);
  EXPECT_THAT(screen_text(result.outcome), HasSubstr("chosen: mild: by all 21 trainings"));
}

// The usual recipe trains in every stage, and stays unless another is clearly better.
TEST(RunScreen, TheUsualRecipeStaysUnlessAnotherIsClearlyBetter) {
  const TemporaryFolder folder;
  ScreenSettings settings = settings_of(5);
  settings.usual = "flipcrop";
  // 10,000 images judge: the standard error of a training is half a point.
  const Truth level = [](const Recipe& recipe) { return recipe.strength > 0 ? 0.0 : 0.3; };
  const ScreenOutcome kept = screen(settings, level, 0, folder.path() / "level").outcome;
  EXPECT_EQ(kept.winner, "flipcrop");
  EXPECT_THAT(kept.why, HasSubstr("too little to leave the usual recipe of a fine-tuning"));
  for (const ScreenedRecipe& recipe : kept.recipes) {
    if (recipe.recipe.arm.name == "flipcrop") {
      EXPECT_EQ(recipe.accuracy.size(), kept.stages.size());
    }
  }
  const Truth breaks = [](const Recipe& recipe) { return recipe.symmetry == "none" ? 0.0 : 30.0; };
  const ScreenOutcome left = screen(settings, breaks, 0.5, folder.path() / "breaks").outcome;
  EXPECT_THAT(left.winner, HasSubstr("noflip"));
}

// Mirrored, the images are not recognised: recipes with flips are tried once and not taken, even if
// they look better.
TEST(RunScreen, WhatTheLabelsForbidIsLeftOut) {
  const TemporaryFolder folder;
  ScreenSettings settings = settings_of(12);
  const Metrics sided = {{"mirrored_accuracy", 0.15}, {"turned_accuracy", 0.12}};
  const ScreenOutcome outcome =
      screen(settings, photographs, 0.5, folder.path() / "sided", 1, 2, sided).outcome;
  EXPECT_EQ(outcome.winner, "mild+noflip");
  EXPECT_EQ(std::accumulate(outcome.stages.begin(), outcome.stages.end(), 0), 12);
  for (const ScreenedRecipe& recipe : outcome.recipes) {
    EXPECT_EQ(recipe.left_out, recipe.recipe.symmetry != "none") << recipe.recipe.arm.name;
    EXPECT_LE(recipe.accuracy.size(), recipe.left_out ? 1u : 4u);
  }
  EXPECT_THAT(screen_text(outcome), HasSubstr("mirrored, 15 % of the images are recognised"));
  EXPECT_EQ(screen_to_json(outcome)["symmetries"].size(), 2u);
  // Only turns are forbidden.
  const Metrics upright = {{"mirrored_accuracy", 0.7}, {"turned_accuracy", 0.2}};
  const ScreenOutcome flipped =
      screen(settings, photographs, 0.5, folder.path() / "upright", 1, 2, upright).outcome;
  EXPECT_EQ(flipped.winner, "mild");
  // Where one recipe is left, there is nothing to measure any more.
  settings.recipes = named_recipes({}, {"crop", "flipcrop"});
  const ScreenOutcome one =
      screen(settings, photographs, 0.5, folder.path() / "one", 1, 2, sided).outcome;
  EXPECT_EQ(one.winner, "crop");
  EXPECT_EQ(one.stages, std::vector<int>{2});
  EXPECT_THAT(one.why, HasSubstr("the labels do not allow the flips of the other recipes"));
}

// The first stage asks a network without flips, however few trainings it has.
TEST(RunScreen, AsksANetworkWithoutFlips) {
  const TemporaryFolder folder;
  ScreenSettings settings = settings_of(4);
  settings.usual = "flipcrop";
  const Metrics sided = {{"mirrored_accuracy", 0.15}, {"turned_accuracy", 0.12}};
  const Truth level = [](const Recipe&) { return 0.0; };
  const ScreenOutcome outcome =
      screen(settings, level, 0.5, folder.path() / "usual", 1, 2, sided).outcome;
  EXPECT_THAT(outcome.winner, ::testing::AnyOf("crop", "mild+noflip", "mild-0.5+noflip"));
  EXPECT_THAT(screen_text(outcome), HasSubstr("left out"));
  settings.usual = "";
  settings.recipes = named_recipes({}, {"mild", "flipcrop", "crop"});
  EXPECT_EQ(screen(settings, level, 0.5, folder.path() / "named", 1, 2, sided).outcome.winner,
            "crop");
}

// Where all recipes are level, as in many fine-tunings, one leads by luck. 300 images judge, of
// which a draw alone has a standard deviation of 2.6 points.
TEST(RunScreen, LuckSeldomReplacesTheUsualRecipe) {
  const TemporaryFolder folder;
  ScreenSettings settings = settings_of(5);
  settings.usual = "flipcrop";
  constexpr int kRuns = 400;
  int left = 0;
  for (uint64_t run = 0; run < kRuns; ++run) {
    const fs::path out = folder.path() / std::to_string(run);
    const Truth level = [](const Recipe&) { return 0.0; };
    const ScreenOutcome outcome = screen(settings, level, 2.5, out, run, 1, {}, 300).outcome;
    left += outcome.winner != "flipcrop" ? 1 : 0;
  }
  std::printf("the usual recipe is left in %.1f %% of %d screenings\n", 100.0 * left / kRuns,
              kRuns);
  EXPECT_LT(left, kRuns / 8);
}

TEST(RunScreen, MoreTrainingsLoseLess) {
  const TemporaryFolder folder;
  const auto regret = [&](int trainings) {
    double sum = 0;
    constexpr int kRuns = 60;
    for (uint64_t run = 0; run < kRuns; ++run) {
      const fs::path out = folder.path() / (std::to_string(trainings) + "-" + std::to_string(run));
      const Screened result = screen(settings_of(trainings), photographs, 2.5, out, run, 1);
      for (const Recipe& recipe : grid()) {
        if (recipe.arm.name == result.outcome.winner) sum += photographs(recipe) + 3;
      }
    }
    return sum / kRuns;
  };
  const double few = regret(6), many = regret(21);
  std::printf("regret: %.2f points after 6 trainings, %.2f after 21\n", few, many);
  EXPECT_LT(many, few);
  EXPECT_LT(many, 1.5);  // a draw of the nine loses 7.3
}

TEST(RunScreen, ResumesToTheSameOutcomeAndRefusesOtherSettings) {
  const TemporaryFolder folder;
  ScreenSettings settings = settings_of(12);
  const Screened whole = screen(settings, photographs, 1, folder.path() / "run");
  const Json json = screen_to_json(whole.outcome);
  const fs::path runs = folder.path() / "run" / "runs.jsonl";
  EXPECT_EQ(screen(settings, photographs, 1, folder.path() / "run").trainings, 0);
  const std::string text = read_file(runs);
  write_file_atomic(runs, text.substr(0, text.size() / 2));  // killed within a line
  const Screened resumed = screen(settings, photographs, 1, folder.path() / "run", 1, 1);
  EXPECT_GT(resumed.trainings, 0);
  EXPECT_LT(resumed.trainings, whole.trainings);
  EXPECT_EQ(screen_to_json(resumed.outcome), json);
  settings.trainings += 1;
  EXPECT_THROW(screen(settings, photographs, 1, folder.path() / "run"), UsageError);
}

TEST(GridRecipes, TurnsNeedSquareImages) {
  EXPECT_EQ(grid().size(), 9u);
  for (const Recipe& recipe : grid_recipes({}, false)) EXPECT_NE(recipe.symmetry, "dihedral");
  ArmContext context;
  context.schedule = baseline_schedule("trivial");
  EXPECT_EQ(grid_recipes(context, true).back().arm.name, "schedule");
  // A list by name keeps the places of the grid.
  const std::vector<Recipe> named = named_recipes({}, {"trivial", "crop"});
  EXPECT_EQ(named[0].symmetry, "");
  EXPECT_EQ(named[1].symmetry, "none");
}

TEST(PlanScreen, FitsTheBudgetAndSaysWhatItNeeds) {
  const ScreenSettings settings = settings_of(0);  // 100 images an epoch outside a fold
  const auto plan = [&](int64_t budget, int epochs, int trainings) {
    return plan_screen(settings, budget, 130, {.epochs = epochs, .trainings = trainings});
  };
  EXPECT_EQ(plan(530, 0, 0).trainings, 4);
  EXPECT_EQ(plan(530, 0, 0).epochs, 1);
  EXPECT_EQ(plan(80000, 0, 0).trainings, 12);
  EXPECT_EQ(plan(80000, 0, 0).epochs, 80000 / 1330);
  EXPECT_EQ(plan(1000000, 0, 0).trainings, 36);  // 200 epochs are long enough
  EXPECT_EQ(plan(80000, 40, 0).trainings, (80000 - 40 * 130) / 4000);
  EXPECT_EQ(plan(80000, 0, 20).epochs, 80000 / 2130);
  // A preset says how long trainings are at most; a small budget makes them shorter.
  const ScreenLength preset{.most_epochs = 60};
  EXPECT_EQ(plan_screen(settings, 40000, 130, preset).epochs, 30);
  EXPECT_EQ(plan_screen(settings, 200000, 130, preset).epochs, 60);
  EXPECT_EQ(plan_screen(settings, 200000, 130, preset).trainings, (200000 - 60 * 130) / 6000);
  for (int64_t budget = 530; budget < 300000; budget += 4321) {
    const ScreenPlan each = plan(budget, 0, 0);
    EXPECT_LE(each.epochs * (each.trainings * 100 + 130), budget);
  }
  EXPECT_THAT(message_of([&] { plan(529, 0, 0); }), HasSubstr("need at least 530"));
  EXPECT_THAT(message_of([&] { plan(1000, 4, 0); }),
              HasSubstr("4 epochs each, need at least 2120"));
}

}  // namespace
}  // namespace popaug
