// Summarises a policy op by op: how often, how strongly, on how many images.
#ifndef POPAUG_SCHEDULE_SUMMARY_H_
#define POPAUG_SCHEDULE_SUMMARY_H_

#include <string>
#include <vector>

#include "popaug/schedule/value.h"

namespace popaug {

// One op of a policy, over all its entries.
struct OpSummary {
  double probability = 0;  // mean of its entries' probabilities; 0 where it has none
  double level = 0;        // mean of its entries' levels, as in a drift band
  double applied = 0;      // expected number of times that an image gets it, exact under the rule
};

// One per op of the space, in its order. `applied` under the PBA rule: with the entries visited at
// independent uniform times, entry i is reached if fewer than `count` others were applied before
// it; the integral over its time is that of a polynomial, so Gauss-Legendre quadrature is exact.
std::vector<OpSummary> summarise_policy(const Policy& policy, const Rule& rule, const Space& space);

// One per segment of the schedule, each as above.
std::vector<std::vector<OpSummary>> summarise_schedule(const Schedule& schedule);

// The same averaged over the epochs of a schedule.
std::vector<OpSummary> summarise_over_time(const Schedule& schedule);

// The probability of one base transform, segment by segment.
struct BaseRow {
  std::string name;                // "flip", "vertical flip", "turn", "erasing", "CutMix", "mixup"
  std::vector<double> by_segment;  // 0..1
};

// Those that some segment has.
std::vector<BaseRow> base_rows(const Schedule& schedule);

// The mean of a number by segment over the epochs from .. to, 0 <= from < to <= schedule.epochs();
// both may lie inside an epoch.
double mean_over(const Schedule& schedule, const std::vector<double>& by_segment, double from,
                 double to);

// What lies around the ops, in words: "pad 4 and crop, flip 0.5, CutMix 0.5 (alpha 1)", or "none".
// A number that changes from segment to segment is a range: "flip 0.2 to 0.6".
std::string base_words(const Schedule& schedule);
// Whether any entry of any segment has a probability above 0.
bool applies_ops(const Schedule& schedule);

// The value of the highest level of each op that has values of its own in some segment, over the
// segments: "Rotate 3.9 to 10.9, ShearX 0.04 to 0.11, 3 more"; "" where no segment has.
std::string value_words(const Schedule& schedule);

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_SUMMARY_H_
