// A screening: finds a good recipe with a dozen trainings (docs/choose.md).
//
// Short trainings favour weak augmentation, so every training of a screening is as long as the
// final one. Only a few are affordable. Five ideas make the most of them.
//
// 1. A small grid. What decides on small sets is which flips and turns the labels allow, and how
//    strong the rest is. Nine recipes, three symmetries times three strengths, span that.
//
// 2. One model. A training tells something of every recipe in its row and its column of the grid.
//    screen_fit.h estimates all recipes from all trainings.
//
// 3. Folds. Each stage trains outside another fold of the labelled images and is judged by that
//    fold, so every labelled image validates and none is wasted. All recipes of a stage share the
//    fold, the initial weights and the order of images, so that they differ by their recipes only.
//
// 4. Halving. The first fold tries many recipes, each later one only those that the model puts
//    first: trainings go where the decision is.
//
// 5. Symmetries the labels forbid. A network trained without flips is also shown mirrored and
//    turned images. Where it no longer recognises them, recipes with these flips get no further
//    training and are not taken (symmetry.h).
//
// The value of a training is its error in points. Its loss is recorded and does not count: stronger
// augmentation makes a network less sure of itself, which lowers the loss whatever the error does
// (docs/decisions/choose.md). The plan, the trainings and the winner depend on the seed and on the
// settings, not on time or workers. A stopped screening runs again from its start and finds its
// finished trainings in runs.jsonl.
#include "popaug/compare/screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "popaug/compare/statistics.h"

namespace popaug {
namespace {

// Of what is decided during a screening: a stopped one is resumed under the same rules only.
constexpr int kRules = 2;
constexpr int kRunsVersion = 2;   // of runs.jsonl
constexpr double kClearLead = 2;  // over the usual recipe, in standard errors
constexpr double kPoints = 100;

Json common_settings(const ScreenSettings& settings) {
  Json arms = Json::array();
  for (const Recipe& recipe : settings.recipes) arms.push_back(recipe.arm.name);
  Json common = {{"format", "popaug-screening"},
                 {"version", kRunsVersion},
                 {"arms", std::move(arms)},
                 {"folds", settings.folds},
                 {"trainings", settings.trainings},
                 {"epochs", settings.epochs},
                 {"seed", settings.seed},
                 {"data", settings.data},
                 {"rules", kRules},
                 {"trainer", settings.trainer}};
  if (!settings.usual.empty()) common["usual"] = settings.usual;
  if (settings.context.schedule) {
    common["schedule"] = schedule_hash(*settings.context.schedule);
  }
  return common;
}

// Reports the progress of a stage as a part of the screening.
class Part : public Progress {
 public:
  Part(Progress& whole, double before, double total)
      : whole_(whole), before_(before), total_(total) {}
  void update(double done, double, const std::string& note) override {
    whole_.update(before_ + done, total_, note);
  }
  void line(const std::string& text) override { whole_.line(text); }
  void event(const std::string& text) override { whole_.event(text); }

 private:
  Progress& whole_;
  double before_, total_;
};

// What the trainings say of the recipes.
struct Standing {
  ScreenFit fit;           // effects in points of error; lower is better
  std::vector<int> order;  // best first
};

Standing stand(const std::vector<Recipe>& recipes, const std::vector<ScreenValue>& errors) {
  Standing standing{fit_screen(recipes, errors), {}};
  standing.order.resize(recipes.size());
  std::iota(standing.order.begin(), standing.order.end(), 0);
  const std::vector<double>& effect = standing.fit.effect;
  std::stable_sort(standing.order.begin(), standing.order.end(),
                   [&](int a, int b) { return effect[a] < effect[b]; });
  return standing;
}

class Screen {
 public:
  Screen(const ScreenSettings& settings, const FoldTrainers& trainers, const ScreenOptions& options,
         Progress& progress, const StopToken& stop)
      : settings_(settings),
        trainers_(trainers),
        options_(options),
        progress_(progress),
        stop_(stop),
        file_(options.directory / "runs.jsonl", common_settings(settings), "screening", true),
        symmetries_(settings.classes) {
    if (options.run) options.run->confirm();
    outcome_.stages = screen_stages(settings.trainings, static_cast<int>(settings.recipes.size()),
                                    settings.folds);
    outcome_.epochs = settings.epochs;
    for (const Recipe& recipe : settings.recipes) {
      if (recipe.arm.name == settings.usual) usual_ = static_cast<int>(outcome_.recipes.size());
      outcome_.recipes.push_back({recipe, {}, {}});
    }
  }

  ScreenOutcome run() {
    const double total = std::accumulate(outcome_.stages.begin(), outcome_.stages.end(), 0.0);
    Standing standing;
    standing.order.resize(settings_.recipes.size());
    std::iota(standing.order.begin(), standing.order.end(), 0);
    double done = 0;
    int wanted = 0;  // trainings outside this fold, with those that earlier ones had no recipes for
    for (size_t fold = 0; fold < outcome_.stages.size(); ++fold) {
      if (standing.order.size() < 2) {
        outcome_.stages.resize(fold);
        break;
      }
      wanted += outcome_.stages[fold];
      const std::vector<int> running = running_of(standing.order, wanted);
      Part part(progress_, done, total);
      train_fold(static_cast<int>(fold), running, part);
      done += static_cast<double>(running.size());
      outcome_.stages[fold] = static_cast<int>(running.size());
      wanted -= outcome_.stages[fold];
      standing = stand(settings_.recipes, errors_);
      leave_out(standing.order);
      progress_.event(fmt::format("fold {} of {}: {} leads after {:.0f} trainings", fold + 1,
                                  outcome_.stages.size(),
                                  settings_.recipes[standing.order[0]].arm.name, done));
    }
    conclude(standing);
    return std::move(outcome_);
  }

 private:
  // The first `count` of the order, or all if there are fewer: the usual recipe among them, and in
  // the first stage one that looks at turned images, as far as there are such.
  std::vector<int> running_of(std::vector<int> order, int count) const {
    const auto usual = std::find(order.begin(), order.end(), usual_);
    if (usual != order.end()) std::rotate(order.begin(), usual, usual + 1);
    const auto end = order.begin() + std::min<ptrdiff_t>(count, std::ssize(order));
    const auto looks = [this](int r) { return looks_at_turned(settings_.recipes, r); };
    if (errors_.empty() && std::none_of(order.begin(), end, looks)) {
      const auto looking = std::find_if(end, order.end(), looks);
      if (looking != order.end()) std::iter_swap(end - 1, looking);
    }
    return {order.begin(), end};
  }

  // Takes from the order the recipes whose symmetry the labels forbid.
  void leave_out(std::vector<int>& order) {
    for (const SymmetryTest& test : symmetries_.decide()) {
      progress_.event(symmetry_sentence(test));
    }
    std::erase_if(order,
                  [this](int r) { return symmetries_.leaves_out(settings_.recipes[r].symmetry); });
    if (std::find(order.begin(), order.end(), usual_) == order.end()) usual_ = -1;
  }

  void train_fold(int fold, const std::vector<int>& running, Progress& progress) {
    const uint64_t seed = settings_.seed + static_cast<uint64_t>(fold);
    std::vector<ArmJob> jobs;
    for (const int r : running) {
      const Arm& arm = settings_.recipes[r].arm;
      jobs.push_back({arm.name, seed, Judge::kValidation,
                      arm_schedule(arm, settings_.context, settings_.epochs, seed),
                      looks_at_turned(settings_.recipes, r)});
    }
    run_jobs(jobs, file_, trainers_(fold), options_.directory, options_.workers, progress, stop_);
    for (const int r : running) {
      const ArmResult* result = file_.find(settings_.recipes[r].arm.name, seed, Judge::kValidation);
      ScreenedRecipe& recipe = outcome_.recipes[r];
      recipe.accuracy.push_back(kPoints * result->accuracy);
      recipe.loss.push_back(result->loss);
      errors_.push_back({r, fold, -kPoints * result->accuracy,
                         kPoints * kPoints * share_variance(result->accuracy, result->tested)});
      if (looks_at_turned(settings_.recipes, r)) symmetries_.add(*result);
      outcome_.images_trained += result->images_trained;
      outcome_.images_evaluated += images_judging(*result);
      outcome_.seconds += result->seconds;
    }
  }

  // The leader; or the usual recipe, unless the lead is clear.
  int winner_of(const Standing& standing) const {
    const int leader = standing.order[0];
    if (usual_ < 0) return leader;
    const double lead = standing.fit.effect[usual_] - standing.fit.effect[leader];
    return lead > kClearLead * standing.fit.standard_error(usual_, leader) ? leader : usual_;
  }

  void conclude(const Standing& standing) {
    const int winner = winner_of(standing);
    outcome_.winner = settings_.recipes[winner].arm.name;
    outcome_.deviation = standing.fit.noise;
    outcome_.symmetries = symmetries_.tests();
    for (size_t r = 0; r < outcome_.recipes.size(); ++r) {
      ScreenedRecipe& recipe = outcome_.recipes[r];
      recipe.behind = standing.fit.effect[r] - standing.fit.effect[winner];
      recipe.half_interval = standing.fit.half_interval(static_cast<int>(r), winner);
      recipe.left_out = symmetries_.leaves_out(recipe.recipe.symmetry);
    }
    measure_worth(standing.fit);
    const int leader = standing.order[0];
    if (winner != leader) {
      const ScreenedRecipe& first = outcome_.recipes[leader];
      outcome_.why = fmt::format(
          "{} leads it by {:.1f} ± {:.1f} points after {} trainings, which is too little to leave "
          "the usual recipe of a fine-tuning",
          first.recipe.arm.name, -first.behind, first.half_interval, errors_.size());
      return;
    }
    if (standing.order.size() < 2) {
      outcome_.why = "the labels do not allow the flips of the other recipes";
      return;
    }
    const int second = standing.order[1];
    const ScreenedRecipe& next = outcome_.recipes[second];
    outcome_.why = fmt::format(
        "by all {} trainings together it is the best of {} recipes; {} is next, {:.1f} ± {:.1f} "
        "points behind",
        errors_.size(), standing.order.size(), next.recipe.arm.name, next.behind,
        next.half_interval);
  }

  // Each level of a factor against its first one, over the rows or columns of the grid.
  void measure_worth(const ScreenFit& fit) {
    const auto symmetry = [](const Recipe& recipe) { return recipe.symmetry; };
    const auto strength = [](const Recipe& recipe) { return number_text(recipe.strength); };
    measure_factor(fit, "symmetry", symmetry);
    measure_factor(fit, "strength", strength);
  }

  template <typename LevelOf>
  void measure_factor(const ScreenFit& fit, const std::string& factor, const LevelOf& level_of) {
    std::vector<std::string> levels;
    for (const Recipe& recipe : settings_.recipes) {
      if (recipe.symmetry.empty()) continue;
      const std::string level = level_of(recipe);
      if (std::find(levels.begin(), levels.end(), level) == levels.end()) levels.push_back(level);
    }
    std::sort(levels.begin(), levels.end(), [](const std::string& a, const std::string& b) {
      return std::pair(a != "none", a) < std::pair(b != "none", b);
    });
    for (size_t k = 1; k < levels.size(); ++k) {
      const std::vector<double> contrast = contrast_of(level_of, levels[k], levels[0]);
      FactorWorth worth{factor, levels[k]};
      for (size_t i = 0; i < contrast.size(); ++i) {
        worth.points -= contrast[i] * fit.effect[i];
      }
      worth.half_interval = fit.half_interval(contrast);
      outcome_.worth.push_back(std::move(worth));
    }
  }

  template <typename LevelOf>
  std::vector<double> contrast_of(const LevelOf& level_of, const std::string& level,
                                  const std::string& against) const {
    std::vector<double> contrast;
    double plus = 0, minus = 0;
    for (const Recipe& recipe : settings_.recipes) {
      const std::string own = recipe.symmetry.empty() ? "" : level_of(recipe);
      contrast.push_back(own == level ? 1 : own == against ? -1 : 0);
      (contrast.back() > 0 ? plus : minus) += std::abs(contrast.back());
    }
    for (double& weight : contrast) weight /= weight > 0 ? plus : std::max(1.0, minus);
    return contrast;
  }

  const ScreenSettings& settings_;
  const FoldTrainers& trainers_;
  const ScreenOptions& options_;
  Progress& progress_;
  const StopToken& stop_;
  ArmResults file_;
  SymmetryTests symmetries_;
  std::vector<ScreenValue> errors_;
  ScreenOutcome outcome_;
  int usual_ = -1;  // the recipe of settings.usual; -1: none
};

}  // namespace

std::vector<Recipe> grid_recipes(const ArmContext& context, bool square) {
  struct Cell {
    const char* name;
    const char* symmetry;
    double strength;
  };
  // A Latin square: three recipes in a row have every symmetry and every strength once, so that
  // even a stage of few trainings covers them (docs/decisions/choose.md).
  constexpr Cell kGrid[] = {
      {"mild", "flip", 0.25},
      {"mild-0.5+noflip", "none", 0.5},
      {"dihedral", "dihedral", 0},
      {"mild+noflip", "none", 0.25},
      {"flipcrop", "flip", 0},
      {"mild-0.5+dihedral", "dihedral", 0.5},
      {"mild+dihedral", "dihedral", 0.25},
      {"crop", "none", 0},
      {"mild-0.5", "flip", 0.5},
  };
  std::vector<Recipe> recipes;
  for (const Cell& cell : kGrid) {
    const std::string symmetry = cell.symmetry;
    if (symmetry == "dihedral" && !square) continue;
    recipes.push_back({make_arm(cell.name, context), symmetry, cell.strength});
  }
  if (context.schedule) recipes.push_back({make_arm("schedule", context), "", 0});
  return recipes;
}

std::vector<Recipe> named_recipes(const ArmContext& context,
                                  const std::vector<std::string>& names) {
  std::vector<Recipe> recipes;
  for (const std::string& name : expand_arms(names)) {
    const auto same = [&](const Recipe& recipe) { return recipe.arm.name == name; };
    if (std::any_of(recipes.begin(), recipes.end(), same)) {
      throw UsageError("setting \"arms\": " + quote(name) + " is listed twice");
    }
    const Arm arm = make_arm(name, context);
    if (arm.screened || arm.tuned || arm.epochs > 0 || arm.family != ArmFamily::kFree) {
      throw UsageError("setting \"arms\": " + quote(name) +
                       " cannot take part in a screening; expected free arms without @EPOCHS");
    }
    // An arm of the grid keeps its place there.
    const std::vector<Recipe> grid = grid_recipes({}, true);
    const auto cell = std::find_if(grid.begin(), grid.end(),
                                   [&](const Recipe& each) { return each.arm.name == name; });
    recipes.push_back(cell == grid.end() ? Recipe{arm, "", 0} : *cell);
  }
  if (context.schedule) recipes.push_back({make_arm("schedule", context), "", 0});
  if (recipes.size() < 2) {
    throw UsageError("setting \"arms\": a screening needs at least two arms to choose from");
  }
  return recipes;
}

ScreenOutcome run_screen(const ScreenSettings& settings, const FoldTrainers& trainers,
                         const ScreenOptions& options, Progress& progress, const StopToken& stop) {
  return Screen(settings, trainers, options, progress, stop).run();
}

}  // namespace popaug
