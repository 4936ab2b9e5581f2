#include "popaug/compare/screen_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "popaug/search/search.h"

namespace popaug {
namespace {

constexpr int kEnoughEpochs = 30;     // before more trainings are better than longer ones
constexpr double kFirstShare = 0.43;  // of the trainings that go to the first fold
constexpr double kKept = 0.65;        // of a fold's recipes that go on to the next

// The epochs that a training has at least.
int shortest(const ScreenLength& length) {
  return length.epochs > 0 ? length.epochs : length.least_epochs;
}

}  // namespace

std::vector<int> screen_stages(int trainings, int recipes, int folds) {
  std::vector<int> stages;
  double size = std::clamp<double>(std::round(kFirstShare * trainings), 2, recipes);
  int left = trainings;
  while (static_cast<int>(stages.size()) < folds && left >= 2) {
    stages.push_back(std::min(left, static_cast<int>(std::round(size))));
    left -= stages.back();
    size = std::max(2.0, kKept * size);
  }
  // What is left over goes to the first folds that have room.
  for (int& stage : stages) {
    const int more = std::min(left, recipes - stage);
    stage += more;
    left -= more;
  }
  return stages;
}

bool looks_at_turned(const std::vector<Recipe>& recipes, int r) {
  constexpr const char* kNoFlips = "none";
  const auto flips = [](const Recipe& recipe) {
    return !recipe.symmetry.empty() && recipe.symmetry != kNoFlips;
  };
  return recipes[r].symmetry == kNoFlips && std::any_of(recipes.begin(), recipes.end(), flips);
}

double images_evaluated(const ScreenSettings& settings, double judging) {
  constexpr int kTurns = 7;
  const auto recipes = static_cast<int>(settings.recipes.size());
  int looking = 0;
  for (int r = 0; r < recipes; ++r) looking += looks_at_turned(settings.recipes, r) ? 1 : 0;
  const double copies = kTurns * std::min(judging, static_cast<double>(kTurnedImages));
  return judging + copies * looking / recipes;
}

int64_t least_budget(const ScreenSettings& settings, int64_t final_images,
                     const ScreenLength& length) {
  const int64_t screened = length.trainings > 0 ? length.trainings : kLeastTrainings;
  return shortest(length) * (screened * settings.fold_images + final_images);
}

ScreenPlan plan_screen(const ScreenSettings& settings, int64_t budget_images, int64_t final_images,
                       const ScreenLength& length) {
  const int64_t least = least_budget(settings, final_images, length);
  if (budget_images < least) {
    throw UsageError(fmt::format(
        "the budget of {} images is too small: {} trainings outside a fold and a final one, {}, "
        "need at least {}",
        budget_images, length.trainings > 0 ? length.trainings : kLeastTrainings,
        shortest(length) > 1 ? fmt::format("{} epochs each", shortest(length)) : "an epoch each",
        least));
  }
  const int most = static_cast<int>(settings.recipes.size()) * settings.folds;
  const auto affordable = [&](int64_t each) {  // trainings of so many epochs beside the final one
    const int64_t count = (budget_images - each * final_images) / (each * settings.fold_images);
    return static_cast<int>(std::clamp<int64_t>(count, kLeastTrainings, most));
  };
  const bool fixed = length.epochs > 0;
  const int enough = fixed ? length.epochs : std::min(kEnoughEpochs, length.most_epochs);
  ScreenPlan plan{length.epochs, length.trainings};
  if (length.trainings == 0) {
    plan.trainings = affordable(enough);
    if (!fixed) plan.trainings = std::min(plan.trainings, kUsualTrainings);
  }
  if (fixed) return plan;
  const int64_t epoch = plan.trainings * settings.fold_images + final_images;
  plan.epochs = static_cast<int>(std::min<int64_t>(length.most_epochs, budget_images / epoch));
  // What is left when longer trainings are not wanted pays for more of them.
  const bool longest = plan.epochs == length.most_epochs;
  if (length.trainings == 0 && longest) plan.trainings = affordable(plan.epochs);
  return plan;
}

}  // namespace popaug
