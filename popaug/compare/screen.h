// A screening: a grid of recipes trains to the end, judged by folds of the labelled images, and a
// model of all trainings says which recipe is best (docs/choose.md).
#ifndef POPAUG_COMPARE_SCREEN_H_
#define POPAUG_COMPARE_SCREEN_H_

#include <functional>
#include <string>
#include <vector>

#include "popaug/compare/arm_jobs.h"
#include "popaug/compare/screen_fit.h"
#include "popaug/compare/screen_plan.h"
#include "popaug/compare/symmetry.h"

namespace popaug {

// The grid: three symmetries times three strengths, in the order in which a short screening takes
// them. Without the turned ones where images are not `square`; then the learned schedule, where the
// context has one.
std::vector<Recipe> grid_recipes(const ArmContext& context, bool square);
// The recipes of a list of arms, "free" among them allowed. UsageError for arms that a screening
// cannot have, and for fewer than two.
std::vector<Recipe> named_recipes(const ArmContext& context, const std::vector<std::string>& names);

struct ScreenedRecipe {
  Recipe recipe;
  std::vector<double> accuracy;  // percent, of the folds it was judged by
  std::vector<double> loss;
  double behind = 0;         // points behind the winner, by the model
  double half_interval = 0;  // of `behind`, 95 %
  bool left_out = false;     // the labels forbid its flips or turns
};

// What one symmetry or strength is worth, as the mean over its row or column of the grid.
struct FactorWorth {
  std::string factor;  // "symmetry", "strength"
  std::string level;   // "flip", "0.25"
  double points = 0;   // gained against the first level of the factor, by the same model
  double half_interval = 0;
};

struct ScreenOutcome {
  std::vector<ScreenedRecipe> recipes;   // as the settings have them
  std::vector<FactorWorth> worth;        // empty without a grid
  std::vector<SymmetryTest> symmetries;  // empty where no training without flips looked at them
  std::vector<int> stages;               // trainings outside each fold
  int epochs = 0;
  int64_t images_trained = 0, images_evaluated = 0;
  double seconds = 0;    // of one core; no part of the repeatable result
  double deviation = 0;  // points, of one training
  std::string winner;
  std::string why;  // a sentence
};

struct ScreenOptions {
  fs::path directory;
  int workers = 1;
  std::shared_ptr<RunDirectory> run = {};  // confirmed once the settings are those of the screening
};

// The trainers of a fold: they train outside it and are judged by it.
using FoldTrainers = std::function<ArmTrainerFactory(int fold)>;

// Runs the screening. DIR/runs.jsonl records finished trainings, from which a stopped one resumes.
// Throws Interrupted on `stop`.
ScreenOutcome run_screen(const ScreenSettings& settings, const FoldTrainers& trainers,
                         const ScreenOptions& options, Progress& progress, const StopToken& stop);

Json screen_to_json(const ScreenOutcome& outcome);
std::string screen_text(const ScreenOutcome& outcome);  // for a terminal

}  // namespace popaug

#endif  // POPAUG_COMPARE_SCREEN_H_
