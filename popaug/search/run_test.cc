#include "popaug/search/run.h"

#include <gtest/gtest.h>

#include <fstream>

#include "popaug/search/internal/testing.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using testing_search::determined_files;
using testing_search::search_in_sittings;
using testing_search::toy_settings;

RunOptions options_for(const fs::path& directory, int workers = 2) {
  RunOptions options;
  options.directory = directory;
  options.workers = workers;
  options.config_toml = "seed = 7\n";
  return options;
}

SearchOutcome run(const SearchSettings& settings, const RunOptions& options) {
  return run_search(settings, make_toy_trainer_factory(settings), options, silent_progress(), {});
}

TEST(Run, LeavesEverythingThatThePageNames) {
  TemporaryFolder folder;
  const SearchSettings settings = toy_settings();
  const fs::path out = folder.path() / "run";
  const SearchOutcome outcome = run(settings, options_for(out));
  for (const char* name :
       {"config.toml", "journal.jsonl", "best.safetensors", "best.schedule.json",
        "pbt_policy_0.txt", "pbt_policy_7.txt", "progress.csv", "result.json", "run.log"}) {
    EXPECT_TRUE(fs::exists(out / name)) << name;
  }
  EXPECT_TRUE(fs::is_empty(out / "members"));
  EXPECT_EQ(load_schedule(out / "best.schedule.json").epochs(), 30);
  const Json result = read_json(out / "result.json");
  EXPECT_EQ(result["winner"], outcome.winner);
  EXPECT_EQ(result["images_trained"], 8 * 30 * 1000);
  const SearchHistory history = load_history(out);
  EXPECT_EQ(history.results.size(), 80u);
  EXPECT_EQ(history.population.winner(), outcome.winner);
}

TEST(Run, ThreadsOneTwoAndSevenGiveTheSameBytes) {
  TemporaryFolder folder;
  SearchSettings settings = toy_settings();
  settings.trainer = {{"milliseconds", 1}, {"unequal", true}};
  run(settings, options_for(folder.path() / "one", 1));
  const auto expected = determined_files(folder.path() / "one");
  EXPECT_GE(expected.size(), 12u);
  for (const int workers : {2, 7}) {
    const fs::path out = folder.path() / std::to_string(workers);
    run(settings, options_for(out, workers));
    EXPECT_EQ(determined_files(out), expected) << workers;
  }
}

TEST(Run, AnotherSeedGivesOtherBytes) {
  TemporaryFolder folder;
  SearchSettings settings = toy_settings();
  run(settings, options_for(folder.path() / "a"));
  settings.seed = 8;
  run(settings, options_for(folder.path() / "b"));
  EXPECT_NE(read_file(folder.path() / "a/best.safetensors"),
            read_file(folder.path() / "b/best.safetensors"));
}

TEST(Run, SearchComesCloseToTheKnownBestAndDriftDoesNot) {
  // 32 members, 60 rounds; the best possible score is 1. Figures: docs/decisions/selection.md.
  TemporaryFolder folder;
  SearchSettings settings = toy_settings(32, 180, 3);
  settings.trainer = {{"optimum", "constant"}, {"noise", 0.0005}};
  const double searched = run(settings, options_for(folder.path() / "search")).score;
  settings.selection = Selection::kNone;
  const double drifted = run(settings, options_for(folder.path() / "drift")).score;
  EXPECT_GT(searched, drifted);
  RecordProperty("searched", std::to_string(searched));
  RecordProperty("drifted", std::to_string(drifted));
  EXPECT_GT((1 - drifted) / (1 - searched), 1.2);
}

TEST(Run, NeverOverwritesARunAndResumesOnlyItsOwnSettings) {
  TemporaryFolder folder;
  SearchSettings settings = toy_settings();
  RunOptions options = options_for(folder.path() / "run");
  run(settings, options);
  const auto before = determined_files(options.directory);
  EXPECT_NE(message_of([&] { run(settings, options); }).find("setting \"resume\""),
            std::string::npos);
  options.resume = true;
  run(settings, options);  // nothing left to do
  EXPECT_EQ(determined_files(options.directory), before);
  settings.population = 9;
  const std::string error = message_of([&] { run(settings, options); });
  EXPECT_NE(error.find("population (was 8, is now 9)"), std::string::npos) << error;
  EXPECT_EQ(determined_files(options.directory), before);
}

TEST(Run, StopsCleanlyAndResumesToTheSameBytes) {
  TemporaryFolder folder;
  SearchSettings settings = toy_settings();
  settings.trainer = {{"milliseconds", 3}};
  run(settings, options_for(folder.path() / "whole"));
  RunOptions options = options_for(folder.path() / "run");
  options.resume_command = "popaug search --resume here";
  const int stops = search_in_sittings(settings, options, 19, [](const Interrupted& error) {
    EXPECT_NE(std::string(error.what()).find("popaug search --resume here"), std::string::npos);
  });
  EXPECT_GE(stops, 2);
  EXPECT_EQ(determined_files(options.directory), determined_files(folder.path() / "whole"));
}

TEST(Run, KeepsOnlyWhatAResumeNeeds) {
  TemporaryFolder folder;
  const SearchSettings settings = toy_settings(8, 30, 3);
  SearchRun search(settings, options_for(folder.path() / "run"));
  const auto trainer = make_toy_trainer(Json::object(), settings.space);
  size_t most = 0;
  while (!search.finished()) {
    std::vector<FinishedRound> finished;
    for (int i = 0; i < 2; ++i) {
      const auto work = search.take();
      if (!work) break;
      finished.push_back({*work, trainer->run(*work, [](double) {}, {}), "test"});
    }
    search.tell(finished);
    size_t files = 0;
    for (const auto& entry : fs::directory_iterator(folder.path() / "run/members")) {
      files += entry.path().extension() == ".safetensors";
    }
    most = std::max(most, files);
  }
  EXPECT_LE(most, 8u + 2u);
  EXPECT_GE(most, 8u);
}

TEST(Run, ResultsMayArriveInAnyOrder) {
  TemporaryFolder folder;
  const SearchSettings settings = toy_settings();
  run(settings, options_for(folder.path() / "whole"));
  const auto trainer = make_toy_trainer(Json::object(), settings.space);
  Random random({1, Purpose::kTest});
  RunOptions options = options_for(folder.path() / "run");
  options.resume = true;
  auto search = std::make_unique<SearchRun>(settings, options);
  while (!search->finished()) {
    std::vector<RoundWork> works;
    while (auto work = search->take()) works.push_back(*work);
    for (size_t i = works.size(); i > 1; --i) std::swap(works[i - 1], works[random.below(i)]);
    for (const RoundWork& work : works) {
      const FinishedRound finished{work, trainer->run(work, [](double) {}, {}), "test"};
      search->tell({&finished, 1});
    }
    if (random.below(3) == 0) {  // with early results on disk or not
      search.reset();
      search = std::make_unique<SearchRun>(settings, options);
    }
  }
  search->write_results();
  EXPECT_EQ(determined_files(options.directory), determined_files(folder.path() / "whole"));
}

TEST(Run, EarlyResultsSurviveAReopening) {
  TemporaryFolder folder;
  const SearchSettings settings = toy_settings();
  RunOptions options = options_for(folder.path() / "run");
  const auto trainer = make_toy_trainer(Json::object(), settings.space);
  {
    SearchRun search(settings, options);
    std::vector<RoundWork> works;
    while (auto work = search.take()) works.push_back(*work);
    const FinishedRound finished{works[5], trainer->run(works[5], [](double) {}, {}), "test"};
    search.tell({&finished, 1});
    EXPECT_EQ(search.done(), 1);
  }
  options.resume = true;
  SearchRun search(settings, options);
  EXPECT_EQ(search.done(), 1);
  std::vector<int> members;
  while (auto work = search.take()) members.push_back(work->member);
  EXPECT_EQ(members, (std::vector<int>{0, 1, 2, 3, 4, 6, 7}));
}

TEST(Run, TwoSearchesDoNotShareADirectory) {
  TemporaryFolder folder;
  const SearchSettings settings = toy_settings();
  RunOptions options = options_for(folder.path() / "run");
  SearchRun first(settings, options);
  options.resume = true;
  const std::string error = message_of([&] { SearchRun second(settings, options); });
  EXPECT_NE(error.find("in use by another process (pid " + std::to_string(::getpid())),
            std::string::npos)
      << error;
}

TEST(Run, AFailedAttemptCostsItsRoundAndThenTheSearchStops) {
  TemporaryFolder folder;
  RunOptions options = options_for(folder.path() / "run");
  options.attempts = 2;
  SearchRun search(toy_settings(), options);
  const RoundWork first = *search.take();
  search.give_back(first, "it fell over", "w");
  const RoundWork second = *search.take();
  EXPECT_EQ(second.member, first.member);
  EXPECT_NE(second.to, first.to);
  EXPECT_NE(message_of([&] { search.give_back(second, "it fell over", "w"); }).find("2 times"),
            std::string::npos);
}

TEST(Run, TakesNoCheckpointThatIsNotARegularFile) {
  TemporaryFolder folder;
  write_file_atomic(folder.path() / "elsewhere", "precious");
  SearchRun search(toy_settings(), options_for(folder.path() / "run"));
  const RoundWork work = *search.take();
  const FinishedRound finished{work, {}, "w"};
  EXPECT_NE(search.fault(finished), std::nullopt);  // missing
  fs::create_symlink(folder.path() / "elsewhere", work.to);
  EXPECT_NE(search.fault(finished), std::nullopt);
  fs::remove(work.to);
  fs::create_directories(work.to / "x");
  EXPECT_NE(search.fault(finished), std::nullopt);
  fs::remove_all(work.to);
  write_file_atomic(work.to, "x");
  EXPECT_EQ(search.fault(finished), std::nullopt);
  FinishedRound boastful = finished;
  boastful.result.images_trained = INT64_MAX;
  EXPECT_NE(search.fault(boastful), std::nullopt);
}

TEST(Run, AFolderUnderAnAttemptsNameStopsNoResume) {
  TemporaryFolder folder;
  const SearchSettings settings = toy_settings();
  RunOptions options = options_for(folder.path() / "run");
  fs::path left;
  {
    SearchRun search(settings, options);
    const RoundWork work = *search.take();
    left = work.to / "x";
    fs::create_directories(left);
    search.give_back(work, "it made a folder", "w");
  }
  options.resume = true;
  run(settings, options);
  EXPECT_TRUE(fs::exists(left));  // not known to be ours
}

TEST(Run, AStrangeLineInTheLogStopsNoSearch) {
  TemporaryFolder folder;
  const SearchSettings settings = toy_settings();
  RunOptions options = options_for(folder.path() / "run");
  run(settings, options);
  fs::remove(options.directory / "result.json");
  std::ofstream(options.directory / "run.log", std::ios::app)
      << "{\"event\":5}\n{\"event\":[],\"clock\":\"x\"}\n[]\n\"result\"\n";
  options.resume = true;
  run(settings, options);
  EXPECT_EQ(read_json(options.directory / "result.json")["sessions"], 2);
}

TEST(Run, AThreadsErrorStopsTheSearchWithItsSentence) {
  TemporaryFolder folder;
  class Faulty : public Trainer {
   public:
    RoundResult run(const RoundWork& work, const std::function<void(double)>&,
                    const StopToken&) override {
      if (work.member == 3) throw Error("the data went away");
      write_file_atomic(work.to, "x");
      return {};
    }
  };
  const SearchSettings settings = toy_settings();
  const std::string error = message_of([&] {
    run_search(settings, [](int) { return std::make_unique<Faulty>(); },
               options_for(folder.path() / "run"), silent_progress(), {});
  });
  EXPECT_EQ(error, "member 3, round 0: the data went away");
}

TEST(Run, AsynchronousSearchResumesAndEndsWithWholeLineages) {
  TemporaryFolder folder;
  SearchSettings settings = toy_settings(8, 30, 3);
  settings.asynchronous = true;
  settings.trainer = {{"milliseconds", 2}, {"unequal", true}};
  const RunOptions options = options_for(folder.path() / "run", 3);
  EXPECT_GE(search_in_sittings(settings, options, 19), 2);
  const SearchHistory history = load_history(options.directory);
  for (int m = 0; m < 8; ++m) EXPECT_EQ(history.population.fold(m).epochs(), 30);
  EXPECT_EQ(load_schedule(options.directory / "best.schedule.json").epochs(), 30);
}

}  // namespace
}  // namespace popaug
