// What a comparison found, in figures and in one sentence.
#ifndef POPAUG_COMPARE_VERDICT_H_
#define POPAUG_COMPARE_VERDICT_H_

#include <string>
#include <vector>

#include "popaug/compare/runs.h"
#include "popaug/compare/statistics.h"

namespace popaug {

// An arm against another, in points of accuracy (100 times the share).
struct Contrast {
  std::string against;
  bool reference = false;       // the verdict rests on it
  PairedDifference difference;  // arm minus the other
  double adjusted_p = 1;        // Holm over the arm's contrasts of one family
  bool better = false;          // mean above 0 and adjusted p below 0.05
  bool not_worse = false;       // lower 95 % bound above -margin
};

struct ArmSummary {
  Arm arm;
  MeanSummary accuracy;                           // in points
  std::vector<Contrast> free;                     // with every other free arm
  std::vector<Contrast> controls;                 // of a learned arm, with its controls
  bool better = false, not_worse = false;         // than every reference
  std::string verdict;                            // one sentence; empty without a reference
  int64_t images_trained = 0, search_images = 0;  // of one training
  double core_hours = 0;                          // of all trainings of the arm
};

struct Comparison {
  std::vector<ArmSummary> arms;  // in the order of the settings
  double margin = 0.5;           // points
  int seeds = 0;
  std::string verdict;  // about the schedule where it took part, else about the best arm
  std::vector<std::string> notes;
};

// Every arm must have a result under every seed. One seed gives no intervals and no verdict, and
// the sentence says so. `margin` in points.
Comparison judge(const std::vector<Arm>& arms, const std::vector<uint64_t>& seeds,
                 const std::vector<ArmResult>& results, double margin = 0.5);

Json comparison_to_json(const Comparison& comparison);  // docs/formats/compare.md
std::string comparison_markdown(const Comparison& comparison);
std::string comparison_text(const Comparison& comparison);  // for a terminal

}  // namespace popaug

#endif  // POPAUG_COMPARE_VERDICT_H_
