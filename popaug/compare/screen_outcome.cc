// What a screening found, as choose.json and on a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "popaug/compare/screen.h"

namespace popaug {
namespace {

constexpr int kChoiceVersion = 4;  // of choose.json

std::string mean_text(const std::vector<double>& values) {
  if (values.empty()) return "";
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return fmt::format("{:.1f} %", sum / static_cast<double>(values.size()));
}

}  // namespace

Json screen_to_json(const ScreenOutcome& outcome) {
  Json json = {{"format", "popaug-choose"},
               {"version", kChoiceVersion},
               {"winner", outcome.winner},
               {"why", outcome.why},
               {"epochs", outcome.epochs},
               {"stages", outcome.stages},
               {"images_trained", outcome.images_trained},
               {"deviation", outcome.deviation},
               {"arms", Json::array()},
               {"worth", Json::array()},
               {"symmetries", Json::array()}};
  for (const ScreenedRecipe& recipe : outcome.recipes) {
    json["arms"].push_back({{"name", recipe.recipe.arm.name},
                            {"title", recipe.recipe.arm.title},
                            {"accuracy", recipe.accuracy},
                            {"loss", recipe.loss},
                            {"behind", recipe.behind},
                            {"half_interval", recipe.half_interval},
                            {"left_out", recipe.left_out}});
  }
  for (const FactorWorth& worth : outcome.worth) {
    json["worth"].push_back({{"factor", worth.factor},
                             {"level", worth.level},
                             {"points", worth.points},
                             {"half_interval", worth.half_interval}});
  }
  for (const SymmetryTest& test : outcome.symmetries) {
    json["symmetries"].push_back({{"level", test.symmetry},
                                  {"accuracy", 100 * test.plain},
                                  {"turned_accuracy", 100 * test.turned},
                                  {"images", test.images},
                                  {"networks", test.networks},
                                  {"left_out", test.left_out}});
  }
  return json;
}

std::string screen_text(const ScreenOutcome& outcome) {
  std::vector<const ScreenedRecipe*> sorted;
  for (const ScreenedRecipe& recipe : outcome.recipes) sorted.push_back(&recipe);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::pair(a->left_out, a->behind) < std::pair(b->left_out, b->behind);
  });
  size_t width = 6;
  for (const ScreenedRecipe* recipe : sorted) {
    width = std::max(width, recipe->recipe.arm.title.size());
  }
  std::string text = fmt::format("{:<{}}  {:>5}  {:>8}  {}\n", "recipe", width, "folds", "accuracy",
                                 "points behind, by all trainings");
  for (const ScreenedRecipe* recipe : sorted) {
    const bool chosen = recipe->recipe.arm.name == outcome.winner;
    const std::string behind =
        chosen             ? "chosen"
        : recipe->left_out ? "left out"
                           : fmt::format("{:.1f} ± {:.1f}", recipe->behind, recipe->half_interval);
    text += fmt::format("{:<{}}  {:>5}  {:>8}  {}\n", recipe->recipe.arm.title, width,
                        recipe->accuracy.size(), mean_text(recipe->accuracy), behind);
  }
  text +=
      "An accuracy is the mean over the folds of its recipe. Folds differ; the points account for "
      "that.\n";
  if (!outcome.worth.empty()) {
    text += "\nWhat each part is worth on these images, in points:\n";
    for (const FactorWorth& worth : outcome.worth) {
      const std::string what =
          worth.factor == "strength"
              ? "strength " + worth.level + " instead of 0"
              : (worth.level == "flip" ? "mirroring" : "all eight flips and turns");
      text += fmt::format("  {:<32} {:+.1f} ± {:.1f}\n", what, worth.points, worth.half_interval);
    }
  }
  if (!outcome.symmetries.empty()) {
    text += "\nBy networks that trained without flips:\n";
    for (const SymmetryTest& test : outcome.symmetries) {
      text += "  " + symmetry_sentence(test) + "\n";
    }
  }
  return text + fmt::format("\nchosen: {}: {}.\n", outcome.winner, outcome.why);
}

}  // namespace popaug
