// Members whose training gave no finite numbers: the search continues without them.
#include <gtest/gtest.h>

#include <set>

#include "popaug/search/internal/testing.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using testing_search::determined_files;
using testing_search::search_in_sittings;
using testing_search::toy_settings;

Decision tell_round(Population& population, const std::vector<double>& scores) {
  std::optional<Decision> decision;
  for (const int member : population.due())
    decision = population.tell(member, {scores[member], {}});
  return decision.value();
}

std::set<int> targets_of(const Decision& decision) {
  std::set<int> targets;
  for (const Copy& copy : decision.copies) targets.insert(copy.target);
  return targets;
}

TEST(Diverged, IsTheWorstScoreAndCopiesADonor) {
  Population population(toy_settings(8, 9, 3));
  const Decision decision = tell_round(population, {0.5, kDiverged, 0.1, 0.2, 0.3, 0.6, 0.7, -1e6});
  EXPECT_EQ(targets_of(decision), (std::set<int>{1, 7}));
  for (const Copy& copy : decision.copies) {
    EXPECT_TRUE(copy.donor == 5 || copy.donor == 6);
    EXPECT_EQ(population.source(copy.target), (CheckpointId{copy.donor, 0}));
  }
  EXPECT_EQ(population.fold(1).epochs(), 3);  // the donor's weights count, not its own round
}

TEST(Diverged, MoreThanTheTargetsAreAllReplaced) {
  Population population(toy_settings(8, 9, 3));
  const double no = kDiverged;
  const Decision decision = tell_round(population, {no, no, no, 0.4, no, no, no, no});
  EXPECT_EQ(targets_of(decision), (std::set<int>{0, 1, 2, 4, 5, 6, 7}));
  for (const Copy& copy : decision.copies) EXPECT_EQ(copy.donor, 3);
  for (int m = 0; m < 8; ++m) EXPECT_EQ(population.source(m), (CheckpointId{3, 0}));
}

TEST(Diverged, DriftAndPairedTestsReplaceThemToo) {
  for (const Selection selection : {Selection::kNone, Selection::kSignificant}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      SearchSettings settings = toy_settings(8, 9, 3);
      settings.selection = selection;
      settings.seed = seed;
      Population population(settings);
      const std::vector<uint8_t> bits(50, 1);  // all equal: no test would copy
      std::optional<Decision> decision;
      for (const int m : population.due()) {
        const bool lost = m == 2 || m == 5;
        decision = population.tell(m, lost ? Outcome{kDiverged, {}} : Outcome{0.5, bits});
      }
      const std::set<int> targets = targets_of(*decision);
      EXPECT_TRUE(targets.contains(2) && targets.contains(5));
      for (const Copy& copy : decision->copies) EXPECT_TRUE(copy.donor != 2 && copy.donor != 5);
    }
  }
}

TEST(Diverged, NeverWins) {
  for (const Selection selection : {Selection::kTruncation, Selection::kNone}) {
    SearchSettings settings = toy_settings(4, 3, 3);
    settings.selection = selection;
    for (settings.seed = 0; settings.seed < 20; ++settings.seed) {
      Population population(settings);
      const double no = kDiverged;
      EXPECT_EQ(tell_round(population, {no, no, -5, no}).winner, 2);
    }
  }
}

TEST(Diverged, AllOfThemEndTheSearchWithAdvice) {
  Population population(toy_settings(4, 9, 3));
  const std::string error =
      message_of([&] { tell_round(population, std::vector<double>(4, kDiverged)); });
  EXPECT_NE(error.find("all 4 members diverged"), std::string::npos) << error;
  EXPECT_NE(error.find("a lower setting \"lr\""), std::string::npos) << error;
}

TEST(Diverged, AsynchronousMembersCopyOrStartAfresh) {
  SearchSettings settings = toy_settings(4, 9, 3);
  settings.asynchronous = true;
  Population population(settings);
  // Nobody has a score yet: it starts again, mutated, and owes all its epochs.
  const Genome before = population.genome(0);
  ASSERT_EQ(population.tell(0, {kDiverged, {}})->copies.size(), 1u);
  EXPECT_FALSE(population.source(0));
  EXPECT_EQ(population.epochs_done(0), 0);
  EXPECT_NE(population.genome(0), before);
  population.tell(1, {0.5, {}});
  const Decision decision = *population.tell(2, {kDiverged, {}});
  ASSERT_EQ(decision.copies.size(), 1u);
  EXPECT_EQ(decision.copies[0].donor, 1);
  EXPECT_EQ(population.source(2), (CheckpointId{1, 0}));
  EXPECT_EQ(population.epochs_done(2), 3);
  // Member 2 trains on sound weights, so the search is not over when the others are lost.
  population.tell(1, {kDiverged, {}});
  population.tell(3, {kDiverged, {}});
  population.tell(2, {0.4, {}});
  while (!population.finished()) population.tell(population.due()[0], {0.1, {}});
  for (int m = 0; m < 4; ++m) EXPECT_EQ(population.fold(m).epochs(), 9);
}

RunOptions options_for(const fs::path& directory, int workers) {
  RunOptions options;
  options.directory = directory;
  options.workers = workers;
  options.config_toml = "x = 1\n";
  options.resume = true;
  return options;
}

SearchSettings diverging(double share) {
  SearchSettings settings = toy_settings();
  settings.trainer = {{"milliseconds", 1}, {"unequal", true}, {"diverge", share}};
  return settings;
}

TEST(Diverged, ASearchSurvivesThemWithTheSameBytesForAnyWorkersAndStops) {
  TemporaryFolder folder;
  const SearchSettings settings = diverging(0.2);
  const fs::path one = folder.path() / "one";
  run_search(settings, make_toy_trainer_factory(settings), options_for(one, 1), silent_progress(),
             {});
  const auto expected = determined_files(one);
  const std::string journal = expected.at("journal.jsonl");
  int lost = 0;
  for (size_t at = 0; (at = journal.find("\"score\":null", at)) != journal.npos; ++at) ++lost;
  EXPECT_GE(lost, 5);
  const SearchHistory history = load_history(one);
  for (const JournalResult& result : history.results) {
    EXPECT_EQ(result.score == kDiverged, result.checkpoint.empty());
  }
  EXPECT_EQ(load_schedule(one / "best.schedule.json").epochs(), 30);

  EXPECT_GE(search_in_sittings(settings, options_for(folder.path() / "three", 3), 19), 2);
  EXPECT_EQ(determined_files(folder.path() / "three"), expected);
}

TEST(Diverged, ASearchThatLosesEverybodySaysSoAgainWhenResumed) {
  TemporaryFolder folder;
  const SearchSettings settings = diverging(1);
  for (int time = 0; time < 2; ++time) {
    const std::string error = message_of([&] {
      run_search(settings, make_toy_trainer_factory(settings),
                 options_for(folder.path() / "run", 2), silent_progress(), {});
    });
    EXPECT_TRUE(error.starts_with("all 8 members diverged")) << error;
  }
}

TEST(Diverged, AnAsynchronousSearchSurvivesThem) {
  TemporaryFolder folder;
  SearchSettings settings = diverging(0.2);
  settings.asynchronous = true;
  run_search(settings, make_toy_trainer_factory(settings), options_for(folder.path() / "run", 3),
             silent_progress(), {});
  EXPECT_EQ(load_schedule(folder.path() / "run/best.schedule.json").epochs(), 30);
}

}  // namespace
}  // namespace popaug
