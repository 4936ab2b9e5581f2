// A comparison: arms x seeds on one data set at equal budgets, resumable.
#ifndef POPAUG_COMPARE_COMPARISON_H_
#define POPAUG_COMPARE_COMPARISON_H_

#include <string>
#include <vector>

#include "popaug/compare/runs.h"

namespace popaug {

struct CompareSettings {
  std::vector<Arm> arms;
  ArmContext context;
  std::vector<uint64_t> seeds;
  int epochs = 30;                // of an arm that costs no search
  int64_t train_images = 0;       // of one epoch
  int64_t race_train_images = 0;  // of one epoch of a raced arm's race, as the trainer counts them
  double race_share = 0.5;        // of what a raced arm trains in all, its race's part at most
  bool charge_search = false;     // arms share one budget of images, the search's among them
  bool unequal = false;           // budgets may differ
  std::string data;               // fingerprint of the data set
  Json trainer = Json::object();  // whatever else determines results: network, sizes, rates
};

// Whether an arm needs a tuning or a race, and so validation images.
bool tunes(const std::vector<Arm>& arms);

// The epochs that an arm trains: its own where it names them; else `epochs`, or with charge_search
// what is left of the dearest arm's images after this arm's own search.
int arm_epochs(const CompareSettings& settings, const Arm& arm);

// Throws UsageError, naming the arms, where budgets differ (by an epoch or more) without `unequal`,
// for an arm or a seed twice, and for no arm or no seed.
void check_comparison(const CompareSettings& settings);

struct CompareOptions {
  fs::path directory;
  bool resume = false;
  int workers = 1;
};

struct ComparisonRuns {
  std::vector<ArmResult> results;  // in the order (arm, seed)
  std::vector<Arm> arms;           // with the cost of a tuning or of races, and its title
  std::vector<std::string> notes;
};

// Trains every arm under every seed that DIR/runs.jsonl lacks. Arms and seeds may be added to a
// finished comparison; other settings are refused.
ComparisonRuns run_comparison(const CompareSettings& settings, const ArmTrainerFactory& factory,
                              const CompareOptions& options, Progress& progress,
                              const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_COMPARE_COMPARISON_H_
