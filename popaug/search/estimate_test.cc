#include "popaug/search/estimate.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "popaug/search/internal/testing.h"

namespace popaug {
namespace {

using testing_search::toy_settings;

TrainerCost stated_cost() {
  TrainerCost cost;
  cost.start_seconds = 1;
  cost.seconds_per_epoch = 2;
  cost.seconds_per_round = 0.5;
  cost.checkpoint_bytes = 1000;
  cost.images_per_epoch = 100;
  cost.images_per_evaluation = 40;
  return cost;
}

TEST(Estimate, PlanCountsImagesAndTurns) {
  const SearchPlan plan = plan_search(toy_settings(16, 200, 3), stated_cost(), 5);
  EXPECT_EQ(plan.rounds, 67);
  EXPECT_EQ(plan.images_trained, 16 * 200 * 100);
  EXPECT_EQ(plan.images_evaluated, 16 * 67 * 40);
  // 16 members on 5 workers take 4 turns a round.
  EXPECT_DOUBLE_EQ(plan.seconds, 1 + 4 * (200 * 2 + 67 * 0.5));
  EXPECT_DOUBLE_EQ(plan.disk_bytes, (16 + 5) * 1000 + 16 * 67 * 400);
  EXPECT_EQ(plan_search(toy_settings(4, 6, 3), stated_cost(), 99).workers, 4);
}

TEST(Estimate, ProcessesHoldTheDataOnceEach) {
  TrainerCost cost = stated_cost();
  cost.base_bytes = 100;
  cost.memory_bytes = 160;  // two trainers of 30
  EXPECT_DOUBLE_EQ(for_processes(cost, 2, 40).memory_bytes, 40 + 2 * 130);
}

TEST(Estimate, BudgetShortensThenShrinksThenRefuses) {
  const SearchSettings given = toy_settings(16, 60, 3);
  std::vector<std::string> said;
  const auto fit = [&](double seconds) {
    said.clear();
    return fit_budget(given, stated_cost(), 1, seconds, &said);
  };
  const SearchSettings same = fit(1e9);
  EXPECT_EQ(same.epochs, 60);
  EXPECT_NE(said.at(0).find("fits the budget"), std::string::npos);
  const SearchSettings shorter = fit(1400);
  EXPECT_LT(shorter.epochs, 60);
  EXPECT_EQ(shorter.population, 16);
  EXPECT_LE(plan_search(shorter, stated_cost(), 1).seconds, 1400);
  const SearchSettings smaller = fit(600);
  EXPECT_EQ(smaller.rounds(), 10);
  EXPECT_LT(smaller.population, 16);
  EXPECT_LE(plan_search(smaller, stated_cost(), 1).seconds, 600);
  EXPECT_NE(said.at(1).find("population"), std::string::npos);
  try {
    fit(100);
    FAIL();
  } catch (const UsageError& error) {
    const std::string said_so = error.what();
    EXPECT_NE(said_so.find("even 3 rounds with 8 members"), std::string::npos);
    int enough = 0;
    char unit = 0;
    const size_t at = said_so.find("give setting \"budget\" ");
    ASSERT_NE(at, std::string::npos);
    ASSERT_EQ(std::sscanf(said_so.c_str() + at, "give setting \"budget\" %d%c", &enough, &unit), 2);
    EXPECT_NO_THROW(fit(unit == 'm' ? 60.0 * enough : enough));
  }
}

TEST(Estimate, MeasuresEpochsAndRoundsOfATrainer) {
  // A trainer of stated cost: 30 ms an epoch, 50 ms a round. Sleeps overshoot, never undershoot.
  class Timed : public Trainer {
   public:
    RoundResult run(const RoundWork& work, const std::function<void(double)>&,
                    const StopToken&) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(50 + 30 * work.epochs));
      write_file_atomic(work.to, std::string(5000, 'x'));
      RoundResult result;
      result.images_trained = 700 * work.epochs;
      result.images_evaluated = 90;
      return result;
    }
  };
  TemporaryFolder folder;
  const TrainerCost cost = measure_trainer(
      toy_settings(4, 12, 3), [](int) { return std::make_unique<Timed>(); }, 2, folder.path(), {});
  EXPECT_EQ(cost.checkpoint_bytes, 5000);
  EXPECT_EQ(cost.images_per_epoch, 700);
  EXPECT_EQ(cost.images_per_evaluation, 90);
  EXPECT_GT(cost.memory_bytes, 1e6);
  EXPECT_GE(cost.seconds_per_epoch + cost.seconds_per_round, 0.079);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Band, IsTheMeanOverLineagesAndHoldsMostOfThem) {
  SearchSettings settings = toy_settings(16, 200, 3);
  const DriftBand band = drift_band(settings, 400, 2, silent_progress());
  ASSERT_EQ(band.ops.size(), 15u);
  const Json json = band_to_json(band);
  EXPECT_EQ(json["format"], "popaug-band");
  EXPECT_EQ(json["ops"][0]["probability"]["mean"].size(), 200u);
  double probability = 0, level = 0;
  for (size_t op = 0; op < 15; ++op) {
    EXPECT_EQ(band.probability[op].mean.front(), 0);
    EXPECT_EQ(band.level[op].high.front(), 0);
    probability += band.probability[op].mean.back() / 15;
    level += band.level[op].mean.back() / 15;
    EXPECT_LT(band.level[op].low.back(), band.level[op].mean.back());
    EXPECT_GT(band.level[op].high.back(), band.level[op].mean.back());
  }
  // docs/pba.md#what-is-known-today: about 5.0 tenths and 4.5 levels after 16 explores; lineages
  // here have about 16.5.
  EXPECT_NEAR(probability, 0.50, 0.03);
  EXPECT_NEAR(level, 4.5, 0.25);
  // Fresh lineages fall inside the 95 % band about as often as it says.
  settings.seed = 100000;
  settings.selection = Selection::kNone;
  int inside = 0, all = 0;
  for (int i = 0; i < 60; ++i, ++settings.seed) {
    Population population(settings);
    while (!population.finished()) {
      for (const int m : population.due()) population.tell(m, {});
    }
    const Policy last = population.fold(population.winner()).at(199);
    for (size_t op = 0; op < 15; ++op, ++all) {
      const double level = (last.entries[op].level + last.entries[op + 15].level) / 2.0;
      inside += level >= band.level[op].low.back() && level <= band.level[op].high.back();
    }
  }
  EXPECT_GT(static_cast<double>(inside) / all, 0.92);
}

TEST(Band, SameSeedSameBytesForAnyThreads) {
  const SearchSettings settings = toy_settings(8, 30, 3);
  EXPECT_EQ(json_line(band_to_json(drift_band(settings, 50, 1, silent_progress()))),
            json_line(band_to_json(drift_band(settings, 50, 2, silent_progress()))));
  EXPECT_THROW(drift_band(settings, 0, 1, silent_progress()), UsageError);
}

}  // namespace
}  // namespace popaug
