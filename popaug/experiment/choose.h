// The recipe of `choose`: a screening for the best recipe, then one training with it.
#ifndef POPAUG_EXPERIMENT_CHOOSE_H_
#define POPAUG_EXPERIMENT_CHOOSE_H_

#include <string>

#include "popaug/compare/compare.h"
#include "popaug/experiment/run_folder.h"

namespace popaug {

struct ChooseRequest : RunRequest {
  double budget_seconds = 0;  // time for all of it; 0: settings.budget_images
};

struct ChosenArm {
  ScreenOutcome screening;
  std::string test_data;  // where the set is, if it has test images to evaluate on
};

// Screens the recipes, writes choose.json, and trains a network with the winner into `out`.
ChosenArm choose_arm(const ChooseRequest& request, Progress& progress, const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_CHOOSE_H_
