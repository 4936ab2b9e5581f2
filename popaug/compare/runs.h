// Trainings of arms under seeds: on all cores, each finished one kept durably.
#ifndef POPAUG_COMPARE_RUNS_H_
#define POPAUG_COMPARE_RUNS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "popaug/compare/arms.h"
#include "popaug/search/search.h"

namespace popaug {

// Which images judge a training: the test images for a result, the validation images for a choice.
enum class Judge { kTest, kValidation };

// One finished training.
struct ArmResult {
  std::string arm;
  uint64_t seed = 0;
  Judge judge = Judge::kTest;
  std::string schedule;  // hash of what it trained with
  double accuracy = 0;   // of the judging images, 0..1
  int64_t wrong = 0, tested = 0;
  int64_t images_trained = 0;
  double seconds = 0;  // processor time of the training's thread; no part of the repeatable result
};

// Makes the trainer of one training under a schedule; called in the worker's thread. For kTest it
// trains on all labelled images, for kValidation on those that do not validate.
using ArmTrainerFactory =
    std::function<std::unique_ptr<Trainer>(const Schedule& schedule, Judge judge)>;

// DIR/runs.jsonl: the common settings, then a line per finished training (docs/formats/compare.md).
class RunsFile {
 public:
  // Opens or makes the file of a `what` ("comparison", "race"), as ResultLines does.
  RunsFile(const fs::path& path, const Json& common, const std::string& what, bool resume);
  ~RunsFile();
  // nullptr if there is none.
  const ArmResult* find(const std::string& arm, uint64_t seed, Judge judge) const;
  void add(const ArmResult& result);  // durably; thread safe

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One training to be made.
struct ArmJob {
  std::string arm;
  uint64_t seed = 0;
  Judge judge = Judge::kTest;
  Schedule schedule;
};

// Trains every job that `file` lacks, one per worker at a time, checkpoints in `folder`. A job's
// result depends on its schedule, seed and images alone: member 0 of that seed. Throws UsageError
// where the file holds the job under another schedule; Interrupted on `stop`: what was finished is
// in the file.
void run_jobs(const std::vector<ArmJob>& jobs, RunsFile& file, const ArmTrainerFactory& factory,
              const fs::path& folder, int workers, Progress& progress, const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_COMPARE_RUNS_H_
