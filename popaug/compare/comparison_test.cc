#include "popaug/compare/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "popaug/compare/arm_screen.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

// Computes accuracies from the bytes of the schedule and the seed, and records what it was asked.
class RecordingTrainer : public Trainer {
 public:
  explicit RecordingTrainer(std::vector<RoundWork>* works) : works_(works) {}
  RoundResult run(const RoundWork& work, const std::function<void(double)>& heartbeat,
                  const StopToken&) override {
    works_->push_back(work);
    heartbeat(1);
    if (!work.to.empty()) write_file_atomic(work.to, "weights");
    RoundResult result;
    result.images_trained = 10 * work.epochs;
    if (!work.evaluate) return result;
    for (int i = 0; i < 10; ++i) {
      result.correct.push_back((work.seed + work.policy.entries.size() + i) % 3 != 0);
    }
    result.images_evaluated = 10;
    return result;
  }

 private:
  std::vector<RoundWork>* works_;
};

struct Bench {
  TemporaryFolder folder;
  std::vector<RoundWork> works;
  std::vector<Judge> judges;
  CompareSettings settings;

  Bench() {
    settings.epochs = 8;
    settings.train_images = 10;
    settings.data = "set";
    settings.seeds = {3, 4};
  }
  void arms(const std::vector<std::string>& names) {
    settings.arms.clear();
    for (const std::string& name : names) {
      settings.arms.push_back(make_arm(name, settings.context));
    }
  }
  ComparisonRuns run(bool resume) {
    check_comparison(settings);
    const ArmTrainerFactory factory = [this](const Schedule&, Judge judge) {
      judges.push_back(judge);
      return std::make_unique<RecordingTrainer>(&works);
    };
    return run_comparison(settings, factory, {folder.path(), resume, 1}, silent_progress(), {});
  }
};

// Two segments of a search in the pba space.
Schedule two_segments() {
  Schedule schedule = baseline_schedule("flipcrop");
  schedule.rule.kind = RuleKind::kPba;
  const Policy zero = zero_policy(schedule.space);
  Policy strong = zero;
  strong.entries[0] = {0, 1.0, 9};
  schedule.segments = {{3, zero}, {5, strong}};
  return schedule;
}

// What a segment has of its own reaches the trainer; controls have what the end has.
TEST(Runs, SegmentsBringTheirBaseTransformsAndValues) {
  Bench bench;
  Schedule schedule = two_segments();
  schedule.segments[0].base = BaseTransforms{.pad = 1, .flip = 0.25};
  schedule.segments[1].space = with_strengths(schedule.space, {.all = 0.5});
  bench.settings.context.schedule = schedule;
  bench.settings.epochs = 8;
  bench.arms({"flipcrop", "schedule"});
  bench.run(false);
  std::vector<RoundWork> own;
  for (const RoundWork& work : bench.works) {
    if (work.total_epochs == 8 && (work.base || work.space)) own.push_back(work);
  }
  ASSERT_EQ(own.size() % 2, 0u);
  ASSERT_GE(own.size(), 2u);
  EXPECT_EQ(own[0].base, schedule.segments[0].base);
  EXPECT_FALSE(own[0].space);
  EXPECT_FALSE(own[1].base);
  EXPECT_EQ(own[1].space, schedule.segments[1].space);
  for (const char* name : {"last", "random", "drift", "flattened"}) {
    const Schedule control =
        arm_schedule(make_arm(name, bench.settings.context), bench.settings.context, 8, 1);
    for (size_t i = 0; i < control.segments.size(); ++i) {
      EXPECT_EQ(control.space_of(i).ops, schedule.space_of(1).ops) << name;
      EXPECT_EQ(control.base_of(i), schedule.base) << name;
    }
  }
}

TEST(Runs, AnArmIsAChainOfItsSegmentsAndOnlyTheLastIsEvaluated) {
  Bench bench;
  bench.settings.context.schedule = two_segments();
  bench.arms({"schedule"});
  bench.settings.seeds = {7};
  bench.run(false);
  ASSERT_EQ(bench.works.size(), 2u);
  EXPECT_FALSE(bench.works[0].evaluate);
  EXPECT_TRUE(bench.works[1].evaluate);
  EXPECT_EQ(bench.works[0].epochs, 3);
  EXPECT_EQ(bench.works[1].first_epoch, 3);
  EXPECT_EQ(bench.works[1].from, bench.works[0].to);
  for (const RoundWork& work : bench.works) {
    EXPECT_EQ(work.member, 0);
    EXPECT_EQ(work.seed, 7u);
    EXPECT_EQ(work.total_epochs, 8);
  }
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(bench.folder.path())) {
    left.insert(entry.path().extension());
  }
  EXPECT_EQ(left.count(".safetensors"), 0u) << "a checkpoint was left";
}

TEST(Runs, ResumeAddsArmsAndSeedsAndTrainsNothingTwice) {
  Bench bench;
  bench.arms({"flipcrop", "trivial"});
  bench.run(false);
  EXPECT_EQ(bench.works.size(), 4u);
  bench.arms({"flipcrop", "trivial", "none"});
  bench.settings.seeds = {3, 4, 5};
  const ComparisonRuns runs = bench.run(true);
  EXPECT_EQ(bench.works.size(), 9u);
  ASSERT_EQ(runs.results.size(), 9u);
  EXPECT_EQ(runs.results[3].arm, "trivial");
  EXPECT_EQ(runs.results[3].seed, 3u);
}

TEST(Runs, OtherSettingsAreRefusedAndNamed) {
  Bench bench;
  bench.arms({"flipcrop"});
  bench.run(false);
  EXPECT_THROW(bench.run(false), UsageError);  // not without resume
  bench.settings.data = "another set";
  try {
    bench.run(true);
    FAIL() << "another data set was taken";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("data"));
  }
}

TEST(Runs, AnotherScheduleUnderTheSameNameIsRefused) {
  Bench bench;
  bench.settings.context.schedule = two_segments();
  bench.arms({"schedule"});
  bench.run(false);
  bench.settings.context.schedule->segments[0].epochs = 4;
  bench.settings.context.schedule->segments[1].epochs = 4;
  EXPECT_THROW(bench.run(true), UsageError);
}

TEST(Runs, ATornLastLineIsDropped) {
  Bench bench;
  bench.arms({"flipcrop"});
  bench.run(false);
  const fs::path path = bench.folder.path() / "runs.jsonl";
  const std::string whole = read_file(path);
  write_file_atomic(path, whole.substr(0, whole.size() - 5));
  bench.run(true);
  EXPECT_EQ(bench.works.size(), 3u);
  EXPECT_EQ(read_file(path).substr(0, 40), whole.substr(0, 40));
}

TEST(Runs, UnequalBudgetsAreRefused) {
  Bench bench;
  bench.arms({"flipcrop", "trivial@16"});
  EXPECT_THROW(bench.run(false), UsageError);
  bench.settings.unequal = true;
  bench.run(false);
  EXPECT_EQ(bench.works[1].total_epochs, 16);
}

TEST(Runs, ChargingTheSearchGivesFreeArmsItsImages) {
  Bench bench;
  bench.settings.context.schedule = two_segments();
  bench.settings.context.search_images = 120;
  bench.settings.charge_search = true;
  bench.arms({"flipcrop", "schedule", "drift"});
  EXPECT_EQ(arm_epochs(bench.settings, bench.settings.arms[0]), 8 + 12);
  EXPECT_EQ(arm_epochs(bench.settings, bench.settings.arms[1]), 8);
  EXPECT_EQ(arm_epochs(bench.settings, bench.settings.arms[2]), 8 + 12);
  check_comparison(bench.settings);
}

TEST(Runs, ATuningIsJudgedByValidationAndItsCostCounted) {
  Bench bench;
  bench.arms({"randaugment-tuned", "flipcrop"});
  const ComparisonRuns runs = bench.run(false);
  const size_t cells = randaugment_grid().size();
  ASSERT_EQ(bench.judges.size(), cells + 4);
  for (size_t i = 0; i < cells; ++i) EXPECT_EQ(bench.judges[i], Judge::kValidation);
  EXPECT_EQ(bench.judges[cells], Judge::kTest);
  EXPECT_EQ(runs.arms[0].search_images, static_cast<int64_t>(cells) * (80 + 10));
  EXPECT_EQ(runs.arms[1].search_images, 0);
}

// A trainer under which each arm is as good as its name says, with a small effect of the seed.
class NamedTrainer : public RecordingTrainer {
 public:
  NamedTrainer(std::vector<RoundWork>* works, std::string arm, std::string best)
      : RecordingTrainer(works), arm_(std::move(arm)), best_(std::move(best)) {}
  RoundResult run(const RoundWork& work, const std::function<void(double)>& heartbeat,
                  const StopToken& stop) override {
    RoundResult result = RecordingTrainer::run(work, heartbeat, stop);
    result.correct.clear();
    const uint64_t right = (arm_ == best_ ? 80 : 40) + work.seed % 3;
    for (uint64_t i = 0; i < 100; ++i) result.correct.push_back(i < right);
    result.images_evaluated = 100;
    return result;
  }

 private:
  std::string arm_, best_;
};

struct ScreenedBench : Bench {
  std::string best = "crop";
  std::vector<std::pair<std::string, Judge>> trained;
  ScreenedBench() {
    settings.fold_images = 10;
    settings.trainings = 9;
    settings.folds = 2;
  }
  ComparisonRuns run(bool resume = false) {
    check_comparison(settings);
    const ArmTrainerFactory factory = [this](const Schedule& schedule, Judge judge) {
      trained.emplace_back(schedule.name, judge);
      return std::make_unique<NamedTrainer>(&works, schedule.name, best);
    };
    CompareOptions options{folder.path(), resume, 1};
    options.fold_trainers = [factory](int) { return factory; };
    return run_comparison(settings, factory, options, silent_progress(), {});
  }
  int tests_of(const std::string& arm) const {
    return static_cast<int>(
        std::count(trained.begin(), trained.end(), std::pair(arm, Judge::kTest)));
  }
};

TEST(ScreenedArms, TakeTheVeryTrainingsOfWhatTheyChose) {
  ScreenedBench bench;
  bench.settings.trainings = 18;
  bench.arms({"choose", "crop", "flipcrop"});
  const ComparisonRuns runs = bench.run();
  EXPECT_EQ(bench.tests_of("crop"), 2) << "the winner was trained twice under a seed";
  EXPECT_EQ(bench.tests_of("flipcrop"), 2);
  ASSERT_EQ(runs.results.size(), 6u);
  EXPECT_EQ(runs.results[0].arm, "choose");
  EXPECT_EQ(runs.results[0].schedule, runs.results[2].schedule);
  EXPECT_EQ(runs.results[0].accuracy, runs.results[2].accuracy);
  EXPECT_THAT(runs.notes, testing::Contains(HasSubstr("choose took crop (2 times)")));
  // Screenings cost images; arms that were not screened cost none.
  EXPECT_GT(runs.arms[0].search_images, 0);
  EXPECT_EQ(runs.arms[1].search_images, 0);

  const size_t before = bench.trained.size();
  EXPECT_EQ(bench.run(true).results[0].accuracy, runs.results[0].accuracy);
  EXPECT_EQ(bench.trained.size(), before) << "a screening or a training was made again";
}

TEST(ScreenedArms, AChoiceThatIsNoArmItselfIsTrained) {
  ScreenedBench bench;
  bench.settings.trainings = 18;
  bench.best = "mild+noflip";
  bench.arms({"choose", "flipcrop"});
  const ComparisonRuns runs = bench.run();
  EXPECT_EQ(bench.tests_of("mild+noflip"), 2);
  EXPECT_GT(runs.results[0].accuracy, 0.7);
}

TEST(ScreenedArms, OnlyTheGateScreensTheSchedule) {
  ScreenedBench bench;
  bench.settings.trainings = 20;
  bench.settings.context.schedule = two_segments();
  bench.settings.context.search_images = 500;
  bench.best = "schedule";
  bench.arms({"choose", "gate"});
  const ComparisonRuns runs = bench.run();
  EXPECT_LT(runs.results[0].accuracy, 0.5);
  EXPECT_GT(runs.results[2].accuracy, 0.7);
  EXPECT_GT(runs.arms[1].search_images, 500 + runs.arms[0].search_images / 2);
}

TEST(ScreenedArms, ChargedScreeningsGiveTheOthersTheirImages) {
  ScreenedBench bench;
  bench.settings.charge_search = true;
  bench.arms({"choose", "flipcrop"});
  EXPECT_EQ(arm_epochs(bench.settings, bench.settings.arms[0]), 8);
  EXPECT_EQ(arm_epochs(bench.settings, bench.settings.arms[1]), 8 + 9 * 8);
  bench.best = "flipcrop";
  const ComparisonRuns runs = bench.run();  // flipcrop is trained for both lengths
  EXPECT_EQ(bench.tests_of("flipcrop"), 2);
  EXPECT_EQ(bench.tests_of("flipcrop@8"), 2);
}

TEST(Arms, EveryNameMakesAScheduleOfTheLength) {
  ArmContext context;
  context.schedule = two_segments();
  std::vector<std::string> names = arm_names();
  names.insert(names.end(),
               {"trivial-0.25", "trivial-0.5+clean", "randaugment-1-5", "drift+clean",
                "flipcrop+cutmix", "trivial-0.5+mixup-0.3+cutmix+clean", "schedule+clean+cutmix",
                "mild-0.5+dihedral+cutmix", "trivial+noflip"});
  for (const std::string& name : names) {
    const Arm arm = make_arm(name, context);
    if (arm.screened) continue;
    const Schedule schedule = arm_schedule(arm, context, 40, 5);
    EXPECT_EQ(schedule.epochs(), 40) << name;
    check_schedule(schedule, name);
    EXPECT_EQ(schedule.base.mixes(), name.find("+cutmix") != name.npos) << name;
    if (name.find("+clean") != name.npos) {
      EXPECT_TRUE(schedule.at(39).entries.empty()) << name;
      EXPECT_FALSE(schedule.at(33).entries.empty()) << name;
    }
  }
}

TEST(Arms, MixingIsPartOfTheNameAndTheTitle) {
  const Arm arm = make_arm("trivial+cutmix-0.25+mixup@12", {});
  EXPECT_EQ(arm.title, "TrivialAugment, CutMix 0.25, mixup 1, 12 epochs");
  EXPECT_FALSE(arm.reference);
  EXPECT_EQ(arm.family, ArmFamily::kFree);
  const Schedule schedule = arm_schedule(arm, {}, 12, 0);
  EXPECT_EQ(schedule.base.cutmix, 0.25);
  EXPECT_EQ(schedule.base.mixup, 1);
  EXPECT_EQ(schedule.base.pad, 4);
  EXPECT_TRUE(make_arm("flipcrop", {}).reference);
}

TEST(Arms, FreeIsAListThatIsStated) {
  const std::vector<std::string> all = expand_arms({"crop", "free", "trivial@9"});
  EXPECT_EQ(all.front(), "crop");
  EXPECT_EQ(all.back(), "trivial@9");
  EXPECT_EQ(std::count(all.begin(), all.end(), "crop"), 1);
  EXPECT_EQ(all.size(), free_arms().size() + 1);
  for (const std::string& name : all)
    EXPECT_EQ(make_arm(name, {}).family, ArmFamily::kFree) << name;
  // A screening takes such a list too.
  EXPECT_EQ(named_recipes({}, {"free"}).size(), free_arms().size());
  const auto refusal = [](const std::vector<std::string>& names) {
    return message_of([&] { named_recipes({}, names); });
  };
  EXPECT_THAT(refusal({"trivial"}), HasSubstr("at least two arms"));
  EXPECT_THAT(refusal({"flipcrop", "choose"}), HasSubstr("\"choose\" cannot take part"));
  EXPECT_THAT(refusal({"flipcrop", "trivial@3"}), HasSubstr("cannot take part"));
  EXPECT_THAT(refusal({"flipcrop", "none", "none"}), HasSubstr("\"none\" is listed twice"));
}

TEST(Arms, FlipsAreAWordBehindTheName) {
  const auto base_of = [](const std::string& name) {
    return arm_schedule(make_arm(name, {}), {}, 4, 0).base;
  };
  EXPECT_EQ(base_of("flipcrop+noflip"), base_of("crop"));
  EXPECT_EQ(base_of("flipcrop+dihedral"), base_of("dihedral"));
  EXPECT_EQ(base_of("mild+noflip").flip, 0);
  EXPECT_EQ(base_of("mild+dihedral").turn, base_of("dihedral").turn);
  EXPECT_EQ(base_of("mild+dihedral").pad, 2);
  EXPECT_EQ(make_arm("trivial-0.5+noflip+cutmix", {}).title,
            "TrivialAugment, strength 0.5, no flips, CutMix 0.5");
  EXPECT_THROW(make_arm("flipcrop+noflip+dihedral", {}), UsageError);
}

TEST(Arms, BaselinesOfTheCallersOwnAreArms) {
  EXPECT_THAT(message_of([] { make_arm("torchvision:augmix+clean", {}); }),
              HasSubstr("\"torchvision:augmix\" is a recipe of another library"));
  register_baseline("albumentations:a+b@c/recipe.yaml", baseline_schedule("mild"));
  Schedule learned = baseline_schedule("mild");
  learned.provenance = {{"images_trained", 900}, {"images_evaluated", 100}};
  register_baseline("of-a-search", learned);
  const Arm arm = make_arm("albumentations:a+b@c/recipe.yaml", {});  // whatever its characters
  EXPECT_EQ(arm.family, ArmFamily::kFree);
  EXPECT_TRUE(arm.reference);
  EXPECT_EQ(arm_schedule(arm, {}, 7, 0).epochs(), 7);
  const Arm words = make_arm("of-a-search+noflip+clean@9", {});
  EXPECT_EQ(words.epochs, 9);
  EXPECT_EQ(words.family, ArmFamily::kLearned);
  EXPECT_EQ(words.search_images, 1000);
  EXPECT_FALSE(words.reference);
  EXPECT_EQ(arm_schedule(words, {}, 9, 0).base.flip, 0);
}

TEST(Arms, DriftAndRandomDifferBySeedAndRepeat) {
  ArmContext context;
  context.schedule = two_segments();
  for (const char* name : {"drift", "random"}) {
    const Arm arm = make_arm(name, context);
    EXPECT_EQ(arm_schedule(arm, context, 30, 1), arm_schedule(arm, context, 30, 1));
    EXPECT_NE(arm_schedule(arm, context, 30, 1).segments,
              arm_schedule(arm, context, 30, 2).segments);
  }
}

TEST(Arms, UnknownNamesAndAMissingScheduleAreSentences) {
  EXPECT_THROW(make_arm("trival", {}), UsageError);
  EXPECT_THROW(make_arm("trivial-1.5", {}), UsageError);
  EXPECT_THROW(make_arm("flipcrop@0", {}), UsageError);
  EXPECT_THROW(make_arm("schedule", {}), UsageError);
  EXPECT_THROW(make_arm("gate", {}), UsageError);
  EXPECT_THROW(make_arm("choose+clean", {}), UsageError);
  EXPECT_THROW(make_arm("choose+cutmix", {}), UsageError);
  EXPECT_THROW(make_arm("flipcrop+cutmix-2", {}), UsageError);
  EXPECT_THROW(make_arm("flipcrop+cutmix+cutmix", {}), UsageError);
}

}  // namespace
}  // namespace popaug
