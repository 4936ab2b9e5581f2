#include "popaug/experiment/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "popaug/experiment/search.h"
#include "tests/message_of.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;

SettingSources toy_values() {
  SettingSources sources;
  sources.values = {{"trainer", "toy"}, {"population", 4}, {"epochs", 9}, {"seed", 5}};
  return sources;
}

SearchRequest request_for(const fs::path& out, bool resume = false) {
  SearchRequest request;
  request.out = out;
  request.resume = resume;
  return request;
}

TEST(RunFolder, ARunIsLockedBeforeItsSettingsAreRead) {
  TemporaryFolder folder;
  const fs::path out = folder.path() / "run";
  SearchRequest first = request_for(out);
  open_run(first, kSearchVerb, toy_values());
  write_file_atomic(out / "config.toml", "not TOML");
  SearchRequest second = request_for(out, true);
  EXPECT_THAT(message_of([&] { open_run(second, kSearchVerb, {}); }),
              HasSubstr("in use by another process"));
}

TEST(RunFolder, SettingsThatAreRefusedLeaveNoFolder) {
  TemporaryFolder folder;
  const fs::path out = folder.path() / "run";
  SettingSources sources = toy_values();
  sources.values["population"] = 1;
  {
    SearchRequest request = request_for(out);
    EXPECT_THROW(open_run(request, kSearchVerb, sources), UsageError);
  }
  EXPECT_FALSE(fs::exists(out));
}

TEST(RunFolder, AResumeTakesTheSettingsOfTheRunAndGivenValuesOverThem) {
  TemporaryFolder folder;
  const fs::path out = folder.path() / "run";
  {
    SearchRequest request = request_for(out);
    open_run(request, kSearchVerb, toy_values());
    request.directory->write_start("config.toml", settings_toml(request.settings, kSearchVerb));
  }
  SettingSources sources;
  sources.values["seed"] = 6;
  SearchRequest request = request_for(out, true);
  open_run(request, kSearchVerb, sources);
  EXPECT_EQ(request.settings.search.population, 4);
  EXPECT_EQ(request.settings.epochs, 9);
  EXPECT_EQ(request.settings.seed, 6u);
}

TEST(RunFolder, AResumeNeedsConfigToml) {
  TemporaryFolder folder;
  const fs::path out = folder.path() / "run";
  fs::create_directory(out);
  write_file_atomic(out / "progress.csv", "");
  SearchRequest request = request_for(out, true);
  EXPECT_THAT(message_of([&] { open_run(request, kSearchVerb, {}); }),
              HasSubstr("has no config.toml, which says what the search is"));
}

// A C++ program calls a recipe with values alone: the recipe opens the directory, and gives it
// back.
TEST(RunFolder, ARecipeOpensTheDirectoryItself) {
  TemporaryFolder folder;
  SearchRequest request = request_for(folder.path() / "run");
  request.settings = resolve_settings(kSearchVerb, toy_values());
  const SearchedSchedule searched = search_schedule(request, silent_progress(), {});
  EXPECT_EQ(searched.outcome.schedule.epochs(), 9);
  EXPECT_THAT(message_of([&] { search_schedule(request, silent_progress(), {}); }),
              HasSubstr("already contains a search"));
  request.resume = true;
  EXPECT_EQ(search_schedule(request, silent_progress(), {}).outcome.winner,
            searched.outcome.winner);
}

}  // namespace
}  // namespace popaug
