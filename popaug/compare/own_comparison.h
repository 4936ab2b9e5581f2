// A comparison whose trainings the caller makes: Python's compare() around a training function.
#ifndef POPAUG_COMPARE_OWN_COMPARISON_H_
#define POPAUG_COMPARE_OWN_COMPARISON_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "popaug/compare/verdict.h"
#include "popaug/rundir/rundir.h"

namespace popaug {

// One arm. With neither schedule nor transform, `name` is one that make_arm() knows.
struct OwnArm {
  std::string name;
  std::optional<Schedule> schedule;  // of the caller; a learned one if a search is its provenance
  std::string transform;             // of the caller: what identifies it, so that a change is seen
};

// Everything that determines the comparison's trainings and its verdict.
struct OwnComparisonSettings {
  std::vector<OwnArm> arms;          // empty: default_arms()
  std::optional<Schedule> schedule;  // the learned one, for the arm "schedule" and its controls
  std::vector<uint64_t> seeds;
  int epochs = 1;  // of every training
  double clean_share = ComparisonPlan().clean_share;
  std::optional<double> margin;  // absent: that of ComparisonPlan for a share, else none
  Metric metric;
  std::string data;               // a fingerprint of the caller's
  Json trainer = Json::object();  // settings of the caller's training
  fs::path run;                   // of the search whose report shows the result; or empty
};

struct OwnComparisonOptions {
  fs::path directory;
  bool resume = false;
  std::string config_toml;  // written when the comparison starts
};

// One training that is to be made.
struct OwnTraining {
  int number = 0;  // within the comparison
  std::string arm;
  uint64_t seed = 0;
  std::optional<Schedule> schedule;  // over exactly the epochs; absent: a transform of the caller
};

// What it gave. The score must depend on arm and seed alone.
struct OwnScore {
  double score = 0;            // finite; 0..1 if the metric is a share
  int64_t images_trained = 0;  // 0: unknown
  double seconds = 0;
};

// A directory as that of run_comparison(), with its files (docs/formats/compare.md): runs.jsonl
// gets a line for each training, durably, so a killed comparison can be resumed. Holds the
// lock of the directory. Not thread safe.
class OwnComparison {
 public:
  // Opens a new directory, or resumes: arms and seeds may be added, every other difference is
  // refused by name. Throws UsageError for arms and seeds that cannot be compared.
  OwnComparison(const OwnComparisonSettings& settings, const OwnComparisonOptions& options);
  ~OwnComparison();

  // The next training that has no result and is not out, seed by seed; nothing if there is none.
  std::optional<OwnTraining> take();
  // Journals the result of a training that is out. Throws UsageError for a score that cannot be;
  // the training is then still out.
  void tell(int number, const OwnScore& score);
  // The training failed: take() gives it again.
  void give_back(int number);

  bool finished() const;
  int done() const;
  int total() const;

  // Judges, and writes compare.json and compare.md. Throws UsageError before the end.
  Comparison finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace popaug

#endif  // POPAUG_COMPARE_OWN_COMPARISON_H_
