#include "popaug/compare/arm_results.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "popaug/search/search.h"

namespace popaug {
namespace {

using Key = std::tuple<std::string, uint64_t, Judge>;

Json result_to_json(const ArmResult& r) {
  Json json = {{"arm", r.arm},           {"seed", r.seed},         {"judge", judge_name(r.judge)},
               {"schedule", r.schedule}, {"accuracy", r.accuracy}, {"wrong", r.wrong},
               {"tested", r.tested},     {"loss", r.loss}};
  if (r.mirrored) json["mirrored"] = *r.mirrored;
  if (r.turned) json["turned"] = *r.turned;
  json["images_trained"] = r.images_trained;
  json["seconds"] = r.seconds;
  return json;
}

ArmResult result_from_json(const Json& json, const std::string& origin) {
  JsonReader reader(json, origin);
  constexpr int64_t kMost = int64_t{1} << 53;
  ArmResult r;
  r.arm = reader.text("arm");
  r.seed = reader.unsigned64("seed");
  const std::string judge = reader.text("judge");
  if (judge != judge_name(Judge::kTest) && judge != judge_name(Judge::kValidation)) {
    reader.fail("judge", "expected \"test\" or \"validation\", found " + quote(judge));
  }
  r.judge = judge == judge_name(Judge::kTest) ? Judge::kTest : Judge::kValidation;
  r.schedule = reader.text("schedule");
  r.accuracy = reader.number("accuracy", 0, 1);
  r.wrong = reader.integer("wrong", 0, kMost);
  r.tested = reader.integer("tested", 1, kMost);
  r.loss = reader.number_or("loss", 0, 1e12, 0);  // files of popaug 0.1 have none
  if (reader.has("mirrored")) r.mirrored = reader.number("mirrored", 0, 1);
  if (reader.has("turned")) r.turned = reader.number("turned", 0, 1);
  r.images_trained = reader.integer("images_trained", 0, kMost);
  r.seconds = reader.number("seconds", 0, 1e12);
  reader.finish();
  if (r.wrong > r.tested) reader.fail("wrong", "is above \"tested\"");
  if (r.accuracy != accuracy_of(r.wrong, r.tested)) {
    reader.fail("accuracy", "contradicts \"wrong\" and \"tested\" of the same line");
  }
  return r;
}

Key key_of(const ArmResult& r) { return {r.arm, r.seed, r.judge}; }

}  // namespace

double accuracy_of(int64_t wrong, int64_t tested) {
  return 1 - static_cast<double>(wrong) / static_cast<double>(tested);
}

int64_t images_judging(const ArmResult& result) {
  const int64_t copies = (result.mirrored ? 1 : 0) + (result.turned ? 6 : 0);
  return result.tested + copies * std::min(result.tested, kTurnedImages);
}

std::string judge_name(Judge judge) { return judge == Judge::kTest ? "test" : "validation"; }

struct ArmResults::State {
  std::unique_ptr<ResultLines> lines;
  std::map<Key, ArmResult> done;
  mutable std::mutex mutex;
};

ArmResults::ArmResults(const fs::path& path, const Json& common, const std::string& what,
                       bool resume)
    : state_(std::make_unique<State>()) {
  state_->lines = std::make_unique<ResultLines>(path, common, what, resume);
  for (const ResultLines::Line& line : state_->lines->found()) {
    const ArmResult result = result_from_json(line.json, line.origin);
    state_->done.emplace(key_of(result), result);
  }
}

ArmResults::~ArmResults() = default;

const ArmResult* ArmResults::find(const std::string& arm, uint64_t seed, Judge judge) const {
  std::lock_guard lock(state_->mutex);
  const auto found = state_->done.find({arm, seed, judge});
  return found == state_->done.end() ? nullptr : &found->second;
}

void ArmResults::add(const ArmResult& result) {
  std::lock_guard lock(state_->mutex);
  state_->lines->add(result_to_json(result));
  state_->done.emplace(key_of(result), result);
}

}  // namespace popaug
