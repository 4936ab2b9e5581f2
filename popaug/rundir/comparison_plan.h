// plan.json: what a comparison compares (docs/formats/compare.md).
#ifndef POPAUG_RUNDIR_COMPARISON_PLAN_H_
#define POPAUG_RUNDIR_COMPARISON_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// The arms and seeds that a comparison has, so that a resume trains no others.
struct ComparisonPlan {
  std::vector<std::string> arms;
  int64_t seeds = 5;          // how many, from the seed of config.toml on
  double clean_share = 0.15;  // of the epochs of a clean tail
  double margin = 0.5;        // points of accuracy that "not worse" allows
  bool charge_search = false, unequal = false;
  std::string run;  // the run directory of the search that is compared; "": none
};

Json plan_to_json(const ComparisonPlan& plan);
// Throws Error for another format or version and for values out of range.
ComparisonPlan plan_from_json(const Json& json, const std::string& origin);

}  // namespace popaug

#endif  // POPAUG_RUNDIR_COMPARISON_PLAN_H_
