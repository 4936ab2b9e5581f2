// The results of finished trainings, as runs.jsonl has them (docs/formats/compare.md).
#ifndef POPAUG_COMPARE_ARM_RESULTS_H_
#define POPAUG_COMPARE_ARM_RESULTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "popaug/rundir/rundir.h"

namespace popaug {

// Which images judge a training: the test images for a result, the validation images for a choice.
enum class Judge { kTest, kValidation };
std::string judge_name(Judge judge);  // "test", "validation"

// One finished training.
struct ArmResult {
  std::string arm;
  uint64_t seed = 0;
  Judge judge = Judge::kTest;
  std::string schedule;  // hash of what it trained with
  double accuracy = 0;   // of the judging images, 0..1
  int64_t wrong = 0, tested = 0;
  double loss = 0;  // mean cross-entropy of the judging images; 0 where the trainer gives none
  // Accuracy on up to kTurnedImages of the judging images, 0..1, mirrored, and as the mean of the
  // six other flips and turns; where that was asked for.
  std::optional<double> mirrored = {}, turned = {};
  int64_t images_trained = 0;
  double seconds = 0;  // processor time of the training's thread; no part of the repeatable result
};

// How many images it judged, each turned copy counted.
int64_t images_judging(const ArmResult& result);

// The accuracy that follows from counts; tested > 0.
double accuracy_of(int64_t wrong, int64_t tested);

// DIR/runs.jsonl: the common settings, then a line per finished training (docs/formats/compare.md).
class ArmResults {
 public:
  // Opens or makes the file of a `what` ("comparison", "screening"), as ResultLines does.
  ArmResults(const fs::path& path, const Json& common, const std::string& what, bool resume);
  ~ArmResults();
  // nullptr if there is none.
  const ArmResult* find(const std::string& arm, uint64_t seed, Judge judge) const;
  void add(const ArmResult& result);  // durably; thread safe

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace popaug

#endif  // POPAUG_COMPARE_ARM_RESULTS_H_
