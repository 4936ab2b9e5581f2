// The model of a screening: what all its trainings together say of each recipe.
#ifndef POPAUG_COMPARE_SCREEN_FIT_H_
#define POPAUG_COMPARE_SCREEN_FIT_H_

#include <string>
#include <vector>

#include "popaug/compare/arms.h"

namespace popaug {

// A recipe and its place in the grid. An arm outside the grid has no symmetry and no strength.
struct Recipe {
  Arm arm;
  std::string symmetry;  // "none", "flip", "dihedral"; "": outside the grid
  double strength = 0;   // 0..1, of three mild ops an image
};

// One finished training: which recipe, outside which fold.
struct ScreenValue {
  int recipe = 0, fold = 0;
  double value = 0;
  double variance = 0;  // of the value, as its images are a sample; 0: not known
};

// What the trainings say of the recipes.
struct ScreenFit {
  std::vector<double> effect;  // per recipe, in units of the values; the mean over recipes is 0
  double noise = 0;            // standard deviation of one training
  double degrees = 1;          // of freedom that `noise` rests on
  std::vector<std::vector<double>> covariance;  // of the effects, in units of noise²

  // Of a sum of effects with these weights, one per recipe.
  double standard_error(const std::vector<double>& weights) const;
  double standard_error(int a, int b) const;  // of the difference of two effects
  // Half of the 95 % interval, by the quantile of Student's t.
  double half_interval(const std::vector<double>& weights) const;
  double half_interval(int a, int b) const;  // of the difference of two effects
};

// The model: value = fold + symmetry + strength (linear and quadratic) + recipe + noise. Folds are
// free; the other effects have normal priors with the variances kFactorVariance and kRecipeVariance
// in units of the noise. So a recipe that trained once counts for its row and its column of the
// grid, and is trusted by itself the more often it trained.
inline constexpr double kFactorVariance = 10;
inline constexpr double kRecipeVariance = 1;
// What the variance of the values counts as an estimate of the noise², in degrees of freedom: over
// nine sets it was within a tenth of what many trainings showed (docs/decisions/choose.md), and few
// trainings alone say little of their noise.
inline constexpr double kVarianceDegrees = 8;
// `values`: at least two of each fold named.
ScreenFit fit_screen(const std::vector<Recipe>& recipes, const std::vector<ScreenValue>& values);

}  // namespace popaug

#endif  // POPAUG_COMPARE_SCREEN_FIT_H_
