// The trainings of a comparison: arms x seeds, on all cores, resumable.
#ifndef POPAUG_COMPARE_RUNS_H_
#define POPAUG_COMPARE_RUNS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "popaug/compare/arms.h"
#include "popaug/search/search.h"

namespace popaug {

struct CompareSettings {
  std::vector<Arm> arms;
  ArmContext context;
  std::vector<uint64_t> seeds;
  int epochs = 30;                // of an arm that costs no search
  int64_t train_images = 0;       // of one epoch
  bool charge_search = false;     // arms share one budget of images, the search's among them
  bool unequal = false;           // budgets may differ
  std::string data;               // fingerprint of the data set
  Json trainer = Json::object();  // whatever else determines results: network, sizes, rates
};

// Whether an arm needs a tuning, and so validation images.
bool tunes(const std::vector<Arm>& arms);

// The epochs that an arm trains: its own where it names them; else `epochs`, or with charge_search
// what is left of the dearest arm's images after this arm's own search.
int arm_epochs(const CompareSettings& settings, const Arm& arm);

// Throws UsageError, naming the arms, where budgets differ (by an epoch or more) without `unequal`,
// for an arm or a seed twice, and for no arm or no seed.
void check_comparison(const CompareSettings& settings);

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
  double seconds = 0;  // of one core; no part of the repeatable result
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

struct CompareOptions {
  fs::path directory;
  bool resume = false;
  int workers = 1;
};

struct ComparisonRuns {
  std::vector<ArmResult> results;  // in the order (arm, seed)
  std::vector<Arm> arms;           // with the cost of a tuning, and its title
  std::vector<std::string> notes;
};

// Trains every arm under every seed that DIR/runs.jsonl lacks. Arms and seeds may be added to a
// finished comparison; other settings are refused.
ComparisonRuns run_comparison(const CompareSettings& settings, const ArmTrainerFactory& factory,
                              const CompareOptions& options, Progress& progress,
                              const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_COMPARE_RUNS_H_
