// The recipe of a comparison: arms x seeds on one data set, and the verdict.
#ifndef POPAUG_EXPERIMENT_COMPARISON_H_
#define POPAUG_EXPERIMENT_COMPARISON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "popaug/compare/compare.h"
#include "popaug/experiment/run_folder.h"

namespace popaug {

// What is not given is as ComparisonPlan says, or as a resumed comparison recorded it in plan.json.
struct ComparisonRequest : RunRequest {
  fs::path run;                   // a search's run directory, whose schedule is compared; or empty
  std::vector<std::string> arms;  // empty: the free arms, with a schedule also its controls
  std::optional<int64_t> seeds;   // from settings.seed on
  std::optional<double> clean_share, margin;
  bool charge_search = false;  // equal budgets with the images of the search included
  bool unequal = false;        // allows arms with different budgets
};

struct ComparedArms {
  Comparison comparison;
  fs::path run;  // of the search whose report shows the result; or empty
};

// Trains what is missing and judges. Writes compare.json and compare.md into `out`, and
// compare.json into the directory of the search, where its report finds it.
ComparedArms compare_arms(const ComparisonRequest& request, Progress& progress,
                          const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_COMPARISON_H_
