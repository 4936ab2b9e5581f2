#include "popaug/search/worker.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "popaug/search/internal/testing.h"
#include "popaug/search/population.h"

namespace popaug {
namespace {

// Journals and seeds of searches rest on the message as it was: only a round that is not evaluated
// says so.
TEST(Worker, MessageSaysOnlyThatARoundIsNotEvaluated) {
  const SearchSettings settings = testing_search::toy_settings();
  RoundWork work = Population(settings).work(1);
  work.to = "checkpoint";
  const Json asked = run_message(work, settings);
  EXPECT_FALSE(asked.contains("evaluate"));
  EXPECT_TRUE(parse_run_message(asked, "message").work.evaluate);
  work.evaluate = false;
  const Json spared = run_message(work, settings);
  EXPECT_EQ(spared.at("evaluate"), false);
  EXPECT_FALSE(parse_run_message(spared, "message").work.evaluate);
  Json wrong = spared;
  wrong["evaluate"] = "no";
  EXPECT_THROW(parse_run_message(wrong, "message"), Error);
}

TEST(Worker, ADoneMessageHasLimits) {
  const Json good = {
      {"type", "done"},         {"score", 0.5},  {"bytes", 7}, {"metrics", {{"loss", 1.5}}},
      {"images_trained", 1000}, {"seconds", 0.5}};
  EXPECT_EQ(parse_worker_message(json_line(good)).result.images_trained, 1000);
  Json many = Json::object();
  for (size_t i = 0; i <= kMostMetrics; ++i) many[std::to_string(i)] = 1;
  const std::vector<std::pair<const char*, Json>> faults = {
      {"images_trained", INT64_MAX},
      {"images_trained", kMostImagesOfARound + 1},
      {"images_evaluated", int64_t{1} << 62},
      {"images_evaluated", -1},
      {"seconds", 1e13},
      {"metrics", many},
      {"metrics", {{std::string(kLongestMetricName + 1, 'x'), 1}}},
      {"metrics", {{"", 1}}}};
  for (const auto& [key, value] : faults) {
    Json bad = good;
    bad[key] = value;
    EXPECT_THROW(parse_worker_message(json_line(bad)), Error) << key;
  }
  Json most = good;
  most["images_trained"] = most["images_evaluated"] = kMostImagesOfARound;
  EXPECT_EQ(parse_worker_message(json_line(most)).result.images_evaluated, kMostImagesOfARound);
}

TEST(Worker, TheFileOfBitsIsARegularFile) {
  TemporaryFolder folder;
  const fs::path bits = correct_file(folder.path() / "to");
  write_file_atomic(bits, "0110");
  EXPECT_EQ(read_correct_file(bits), (std::vector<uint8_t>{0, 1, 1, 0}));
  fs::remove(bits);
  fs::create_symlink("/dev/zero", bits);
  EXPECT_THROW(read_correct_file(bits), Error);
  fs::remove(bits);
  ASSERT_EQ(::mkfifo(bits.c_str(), 0600), 0);
  EXPECT_THROW(read_correct_file(bits), Error);  // and does not wait for a writer
}

TEST(Worker, ToyTrainerSparesTheEvaluation) {
  const SearchSettings settings = testing_search::toy_settings();
  const auto trainer = make_toy_trainer_factory(settings)(0);
  RoundWork work = Population(settings).work(1);
  work.evaluate = false;
  const RoundResult result = trainer->run(
      work, [](double) {}, StopToken());
  EXPECT_EQ(result.score, 0);
  EXPECT_EQ(result.images_evaluated, 0);
  EXPECT_GT(result.images_trained, 0);
}

}  // namespace
}  // namespace popaug
