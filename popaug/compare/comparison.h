// A comparison: arms x seeds on one data set at equal budgets. It can be resumed.
#ifndef POPAUG_COMPARE_COMPARISON_H_
#define POPAUG_COMPARE_COMPARISON_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "popaug/compare/screen.h"

namespace popaug {

struct CompareSettings {
  std::vector<Arm> arms;
  ArmContext context;
  std::vector<uint64_t> seeds;
  int epochs = 30;           // of an arm that costs no search
  int64_t train_images = 0;  // of one epoch
  // Of the screening of a screened arm: the images of an epoch outside a fold, as the trainer
  // counts them, the trainings, the folds, and whether the images are square.
  int64_t fold_images = 0;
  int trainings = kUsualTrainings;
  int folds = kUsualFolds;
  bool square = true;
  int classes = 0;                // of the data
  bool charge_search = false;     // arms share one budget of images, which includes the search
  bool unequal = false;           // budgets may differ
  std::string data;               // fingerprint of the data set
  Json trainer = Json::object();  // whatever else determines results: network, sizes, rates
};

// Whether an arm needs a tuning or a screening, and so validation images.
bool tunes(const std::vector<Arm>& arms);

// The epochs that an arm trains: its own if its name gives them; otherwise `epochs`, or with
// charge_search what the images of the most expensive arm leave after this arm's own search.
int arm_epochs(const CompareSettings& settings, const Arm& arm);

// Throws UsageError, naming the arms, if budgets differ (by an epoch or more) without `unequal`, if
// an arm or a seed is listed twice, and if there is no arm or no seed.
void check_comparison(const CompareSettings& settings);

struct CompareOptions {
  fs::path directory;
  bool resume = false;
  int workers = 1;
  std::shared_ptr<RunDirectory> run = {};  // already opened by the caller; else opened here
  FoldTrainers fold_trainers = {};         // of screened arms; may be empty without any
  // Called once the directory is known to be this comparison's, before anything is trained.
  std::function<void()> accepted = {};
};

struct ComparisonRuns {
  std::vector<ArmResult> results;  // in the order (arm, seed)
  std::vector<Arm> arms;           // with the cost of a tuning or of screenings, and its title
  std::vector<std::string> notes;
};

// Trains every arm under every seed that is missing in DIR/runs.jsonl. Arms and seeds may be added
// to a finished comparison; other changes are refused.
ComparisonRuns run_comparison(const CompareSettings& settings, const ArmTrainerFactory& factory,
                              const CompareOptions& options, Progress& progress,
                              const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_COMPARE_COMPARISON_H_
