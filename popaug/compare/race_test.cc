#include "popaug/compare/race.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <mutex>

namespace popaug {
namespace {

using ::testing::HasSubstr;

RaceSettings settings_of(int64_t budget = 100000) {
  RaceSettings s;
  s.arms = racing_arms(s.context);
  s.train_images = 100;
  s.final_images = 120;
  s.budget_images = budget;
  return s;
}

// Accuracy by arm and seed, with the seed's own luck and noise beside it; no network.
class FakeTrainer : public Trainer {
 public:
  using Truth = std::function<double(const std::string&)>;
  FakeTrainer(const std::string& name, const Truth& truth, double noise, uint64_t run,
              std::atomic<int>& count)
      : name_(name), truth_(truth), noise_(noise), run_(run), count_(count) {}
  RoundResult run(const RoundWork& work, const std::function<void(double)>&,
                  const StopToken&) override {
    RoundResult r;
    r.images_trained = 100 * work.epochs;
    if (!work.to.empty()) write_file_atomic(work.to, "weights");
    if (!work.evaluate) return r;
    ++count_;
    Random luck({.seed = run_, .purpose = Purpose::kTest, .stream = 1, .sample = work.seed});
    const uint64_t arm = std::hash<std::string>()(name_) & 0xffff;
    Random own(
        {.seed = run_, .purpose = Purpose::kTest, .stream = 2, .epoch = arm, .sample = work.seed});
    const double accuracy = 0.6 + truth_(name_) + 0.05 * luck.normal() + noise_ * own.normal();
    r.images_evaluated = 100000;
    r.correct.assign(100000, 0);
    const auto right = static_cast<ptrdiff_t>(std::lround(100000 * accuracy));
    std::fill(r.correct.begin(), r.correct.begin() + right, uint8_t{1});
    r.score = accuracy;
    return r;
  }

 private:
  std::string name_;
  Truth truth_;
  double noise_;
  uint64_t run_;
  std::atomic<int>& count_;
};

struct Simulated {
  RaceOutcome outcome;
  int trainings = 0;
};

Simulated race(const RaceSettings& s, const FakeTrainer::Truth& truth, double noise,
               const fs::path& folder, uint64_t run = 1) {
  std::atomic<int> count{0};
  const StopToken stop;
  const ArmTrainerFactory factory = [&](const Schedule& schedule, Judge judge) {
    EXPECT_EQ(judge, Judge::kValidation);
    return std::make_unique<FakeTrainer>(schedule.name, truth, noise, run, count);
  };
  fs::create_directories(folder);
  Simulated result;
  result.outcome = run_race(s, factory, {folder, 2}, silent_progress(), stop);
  result.trainings = count;
  return result;
}

const RaceArm& arm_of(const RaceOutcome& outcome, const std::string& name) {
  for (const RaceArm& arm : outcome.arms) {
    if (arm.arm.name == name) return arm;
  }
  throw Error("no arm " + name);
}

// A race on simulated scores alone: the round in which each arm is dropped, 0 if never.
std::vector<int> simulate(const std::vector<double>& truth, int rounds, double level, uint64_t run,
                          bool unequal) {
  Random random({.seed = run, .purpose = Purpose::kTest, .stream = 51});
  std::vector<std::vector<double>> all(truth.size());
  std::vector<int> dropped(truth.size(), 0);
  for (int round = 1; round <= rounds; ++round) {
    const double luck = random.normal();
    for (size_t a = 0; a < truth.size(); ++a) {
      const double scatter = unequal && a % 2 == 1 ? 1.5 : 1;
      all[a].push_back(truth[a] + 3 * luck + scatter * random.normal());
    }
    if (round < 2) continue;
    std::vector<size_t> running;
    std::vector<std::vector<double>> values;
    for (size_t a = 0; a < truth.size(); ++a) {
      if (dropped[a] > 0) continue;
      running.push_back(a);
      values.push_back(all[a]);
    }
    if (running.size() < 2) break;
    const RaceLook look = look_at_race(values, level);
    for (size_t k = 0; k < running.size(); ++k) {
      if (look.dropped[k]) dropped[running[k]] = round;
    }
  }
  return dropped;
}

TEST(RaceRule, TheBestIsDroppedAtMostAtTheStatedRate) {
  const RaceSettings s = settings_of();
  const RacePlan plan = plan_race(s);
  const double level = race_level(s, plan);
  constexpr int kRuns = 4000;
  for (const bool unequal : {false, true}) {
    int dropped_equal = 0, dropped_best = 0;
    for (int run = 0; run < kRuns; ++run) {
      // All arms equal: each is a best one; take the first.
      dropped_equal +=
          simulate(std::vector<double>(9, 0.0), plan.rounds, level, run, unequal)[0] > 0;
      std::vector<double> truth(9, 0.0);
      truth[3] = 0.3;
      dropped_best += simulate(truth, plan.rounds, level, 10000 + run, unequal)[3] > 0;
    }
    std::printf("the best arm dropped in %d races: %d where all are equal, %d where it leads%s\n",
                kRuns, dropped_equal, dropped_best, unequal ? " (unequal scatter)" : "");
    const double most = 0.05 * kRuns + 3 * std::sqrt(kRuns * 0.05 * 0.95);
    EXPECT_LE(dropped_equal, most);
    EXPECT_LE(dropped_best, most);
    EXPECT_GE(dropped_equal, 1);  // the test can fail: it does drop
  }
}

TEST(RaceRule, AClearLoserIsDroppedEarly) {
  const RaceSettings s = settings_of();
  const RacePlan plan = plan_race(s);
  int early = 0;
  constexpr int kRuns = 500;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> truth(9, 0.0);
    truth[1] = -8;  // eight standard deviations of a training
    const int round = simulate(truth, plan.rounds, race_level(s, plan), run, false)[1];
    early += round > 0 && round <= 3;
  }
  EXPECT_GE(early, kRuns * 95 / 100);
}

TEST(RacingArms, AScheduleRunsWithAndWithoutACleanTail) {
  ArmContext context;
  context.schedule = baseline_schedule("trivial");
  const std::vector<Arm> arms = racing_arms(context);
  ASSERT_EQ(arms.size(), racing_arms({}).size() + 2);
  EXPECT_EQ(arms[arms.size() - 2].name, "schedule");
  EXPECT_EQ(arms.back().name, "schedule+clean");
  EXPECT_NE(arms.back().title, arms[arms.size() - 2].title);
}

TEST(RacePlan, KeepsTheShareAndSaysWhatItNeeds) {
  RaceSettings s = settings_of();
  const RacePlan plan = plan_race(s);
  EXPECT_EQ(plan.race_images, 50000);
  EXPECT_EQ(plan.final_epochs, 200);  // 50,000 images of 120 allow more
  EXPECT_EQ(plan.race_epochs, 50000 / (9 * 100 * 4));
  EXPECT_LE(plan.rounds, 10);
  s.budget_images = least_budget(s);
  const RacePlan least = plan_race(s);
  EXPECT_EQ(least.race_epochs, 2);
  EXPECT_EQ(least.rounds, 2);
  s.budget_images -= 5;
  try {
    plan_race(s);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("at least " + std::to_string(least_budget(s))));
  }
}

TEST(RunRace, TheWinnerIsTheArmThatIsShownToBeBetter) {
  const TemporaryFolder folder;
  const RaceSettings s = settings_of();
  const auto truth = [](const std::string& name) { return name == "trivial-0.5" ? 0.1 : 0.0; };
  const Simulated result = race(s, truth, 0.004, folder.path());
  EXPECT_EQ(result.outcome.winner, "trivial-0.5");
  EXPECT_FALSE(result.outcome.fell_back);
  EXPECT_EQ(result.outcome.rounds, 2);  // all others are dropped at the first look
  EXPECT_LE(result.outcome.images_trained, result.outcome.plan.race_images);
  const RaceArm& loser = arm_of(result.outcome, "flipcrop");
  EXPECT_EQ(loser.behind_whom, "trivial-0.5");
  EXPECT_NEAR(loser.behind, 10, 2);
  EXPECT_GE(loser.confidence, 95);
  EXPECT_THAT(race_text(result.outcome), HasSubstr("chosen: trivial-0.5"));
}

TEST(RunRace, FallsBackToTheSafestArm) {
  const TemporaryFolder folder;
  const RaceSettings s = settings_of();
  Simulated result = race(
      s, [](const std::string&) { return 0.0; }, 0.02, folder.path() / "equal");
  EXPECT_EQ(result.outcome.winner, "flipcrop");
  EXPECT_TRUE(result.outcome.fell_back);
  EXPECT_THAT(result.outcome.why, HasSubstr("no arm was shown to beat it"));
  // Flips hurt: every arm but none has them.
  const auto flips_hurt = [](const std::string& name) { return name == "none" ? 0.0 : -0.2; };
  result = race(s, flips_hurt, 0.005, folder.path() / "none");
  EXPECT_EQ(result.outcome.winner, "none");
  // The same, but a schedule without flips is as good as none: nothing is told between the two.
  const auto two = [](const std::string& name) {
    return name == "none" || name == "randaugment" ? 0.0 : -0.2;
  };
  result = race(s, two, 0.005, folder.path() / "two");
  EXPECT_EQ(result.outcome.winner, "none");
  EXPECT_TRUE(result.outcome.fell_back);
  EXPECT_THAT(result.outcome.why, HasSubstr("which were shown to hurt"));
}

TEST(RunRace, ResumesToTheSameOutcomeAndRefusesOtherSettings) {
  const TemporaryFolder folder;
  RaceSettings s = settings_of();
  const auto truth = [](const std::string& name) { return name == "trivial" ? 0.02 : 0.0; };
  const Simulated whole = race(s, truth, 0.01, folder.path() / "run");
  const fs::path runs = folder.path() / "run" / "runs.jsonl";
  const Json json = race_to_json(whole.outcome);
  EXPECT_EQ(race(s, truth, 0.01, folder.path() / "run").trainings, 0);
  const std::string text = read_file(runs);
  write_file_atomic(runs, text.substr(0, text.size() / 2));  // killed within a line
  const Simulated resumed = race(s, truth, 0.01, folder.path() / "run");
  EXPECT_GT(resumed.trainings, 0);
  EXPECT_LT(resumed.trainings, whole.trainings);
  EXPECT_EQ(race_to_json(resumed.outcome), json);
  s.budget_images += 10000;
  EXPECT_THROW(race(s, truth, 0.01, folder.path() / "run"), UsageError);
}

}  // namespace
}  // namespace popaug
