// How long a screening is: trainings, their epochs, and the folds that they are judged by.
#ifndef POPAUG_COMPARE_SCREEN_PLAN_H_
#define POPAUG_COMPARE_SCREEN_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "popaug/compare/arms.h"
#include "popaug/compare/screen_fit.h"

namespace popaug {

// How many recipes train outside each fold, for so many trainings in all. Later folds have fewer:
// those that the model puts first. Each fold has two at least.
std::vector<int> screen_stages(int trainings, int recipes, int folds);

inline constexpr int kUsualFolds = 4, kUsualTrainings = 12, kLeastTrainings = 4;

struct ScreenSettings {
  std::vector<Recipe> recipes;
  ArmContext context;
  int folds = kUsualFolds;
  int trainings = 0;        // in the screening
  int epochs = 0;           // of each
  int64_t fold_images = 0;  // that an epoch of these trains, as the trainer counts them
  uint64_t seed = 0;        // trainings outside fold k have seed + k
  // The arm that stays unless another leads it by more than twice the standard error of that lead,
  // and trains outside every fold; "": the leader is taken.
  std::string usual;
  int classes = 0;                // of the data: what guessing gives
  std::string data;               // fingerprint
  Json trainer = Json::object();  // whatever else determines results
};

// What was asked for. 0: what the budget allows.
struct ScreenLength {
  int epochs = 0;         // of each training
  int most_epochs = 200;  // where `epochs` is 0
  int least_epochs = 1;   // likewise
  int trainings = 0;
};

// How a budget of images is used, decided before anything is trained.
struct ScreenPlan {
  int epochs = 0;     // of each training, those of the screening and the final one
  int trainings = 0;  // in the screening
};
// Without numbers of their own, trainings are up to kUsualTrainings, and more once they are as long
// as they may be. A budget that is short first saves trainings, down to kLeastTrainings, then
// epochs. `final_images`: of an epoch of the final training, 0 without one. Throws UsageError,
// naming the least budget, if it is too small.
ScreenPlan plan_screen(const ScreenSettings& settings, int64_t budget_images, int64_t final_images,
                       const ScreenLength& length);
// Whether the networks of recipe r are shown turned images (symmetry.h): it has no flips, and
// others have.
bool looks_at_turned(const std::vector<Recipe>& recipes, int r);
// How many images a training of the screening evaluates on average if `judging` images judge it,
// each turned copy counted.
double images_evaluated(const ScreenSettings& settings, double judging);
int64_t least_budget(const ScreenSettings& settings, int64_t final_images,
                     const ScreenLength& length);

}  // namespace popaug

#endif  // POPAUG_COMPARE_SCREEN_PLAN_H_
