#include "popaug/search/worker.h"

#include <gtest/gtest.h>

#include "popaug/search/population.h"
#include "popaug/search/testing.h"

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
