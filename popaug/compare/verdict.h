// The findings of a comparison, in figures and in one sentence.
#ifndef POPAUG_COMPARE_VERDICT_H_
#define POPAUG_COMPARE_VERDICT_H_

#include <string>
#include <vector>

#include "popaug/compare/arm_results.h"
#include "popaug/compare/arms.h"
#include "popaug/compare/statistics.h"

namespace popaug {

// What the trainings of a comparison are judged by.
struct Metric {
  std::string name = "accuracy";
  bool lower_is_better = false;
  bool share = true;  // of 0..1, which tables show in percent and whose differences are points
};

// An arm compared with another, in points (100 times the share) or in the metric's own unit.
struct Contrast {
  std::string against;
  bool reference = false;       // the verdict depends on it
  PairedDifference difference;  // arm minus the other
  double adjusted_p = 1;        // Holm over the arm's contrasts of one family
  bool better = false;          // on the better side of 0 and adjusted p below 0.05
  bool not_worse = false;       // the worse end of the 95 % interval is within the margin
};

struct ArmSummary {
  Arm arm;
  MeanSummary score;                              // in percent, or in the metric's own unit
  std::vector<Contrast> free;                     // with every other free arm
  std::vector<Contrast> controls;                 // of a learned arm, with its controls
  bool better = false, not_worse = false;         // than every reference
  std::string verdict;                            // one sentence; empty without a reference
  int64_t images_trained = 0, search_images = 0;  // of one training
  double core_hours = 0;                          // of all trainings of the arm
};

struct Comparison {
  std::vector<ArmSummary> arms;  // in the order of the settings
  Metric metric;
  double margin = 0.5;  // points, or in the metric's own unit
  int seeds = 0;
  std::string verdict;  // about the schedule if it took part, otherwise about the best arm
  std::vector<std::string> notes;
};

// Judges a comparison. Every arm must have a result under every seed. One seed gives no intervals
// and no verdict, and the sentence says so. `margin` is in points.
Comparison judge(const std::vector<Arm>& arms, const std::vector<uint64_t>& seeds,
                 const std::vector<ArmResult>& results, double margin = 0.5);

// The scores of one arm: a value for each seed, in the same order of seeds for all arms; percent
// where the metric is a share.
struct ArmScores {
  std::vector<double> values;
  int64_t images_trained = 0;  // of one training
  double seconds = 0;          // of all of them
};
// The same for trainings that are known by their scores alone.
Comparison judge_scores(const std::vector<Arm>& arms, const std::vector<ArmScores>& scores,
                        const Metric& metric, double margin);

Json comparison_to_json(const Comparison& comparison);  // docs/formats/compare.md
std::string comparison_markdown(const Comparison& comparison);
std::string comparison_text(const Comparison& comparison);  // for a terminal
// Writes compare.json and compare.md into `out`, and compare.json into the run directory of the
// search, `run`, where its report finds it; an empty path: there is none.
void write_comparison(const Comparison& comparison, const fs::path& out, const fs::path& run);

}  // namespace popaug

#endif  // POPAUG_COMPARE_VERDICT_H_
