// Every training of a screening tells something of several recipes: of its own, of those with the
// same symmetry, and of those with a similar strength. The model uses all of it. It is a linear
// regression with normal priors (ridge regression), solved by its normal equations:
//
//   (X'X + P) b = X'y,   covariance of b = noise² (X'X + P)^-1
//
// X has a column for each fold, each symmetry, the strength, its square, and each recipe; P is
// diagonal with the inverse prior variances. The effect of a recipe is what its columns other than
// the folds' add up to.
#include "popaug/compare/screen_fit.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <map>

namespace popaug {
namespace {

using Matrix = std::vector<std::vector<double>>;

constexpr double kFoldVariance = 1e6;  // as good as free

Matrix zeros(size_t rows, size_t columns) { return Matrix(rows, std::vector<double>(columns)); }

// The inverse of a symmetric positive definite matrix, by Gauss and Jordan.
Matrix inverse(Matrix a) {
  const size_t n = a.size();
  Matrix result = zeros(n, n);
  for (size_t i = 0; i < n; ++i) result[i][i] = 1;
  for (size_t i = 0; i < n; ++i) {
    const double pivot = a[i][i];
    POPAUG_ASSERT(pivot > 0);
    for (size_t j = 0; j < n; ++j) {
      a[i][j] /= pivot;
      result[i][j] /= pivot;
    }
    for (size_t k = 0; k < n; ++k) {
      const double factor = a[k][i];
      if (k == i || factor == 0) continue;
      for (size_t j = 0; j < n; ++j) {
        a[k][j] -= factor * a[i][j];
        result[k][j] -= factor * result[i][j];
      }
    }
  }
  return result;
}

// The columns of the model without those of the folds.
class Design {
 public:
  explicit Design(const std::vector<Recipe>& recipes) {
    std::map<std::string, size_t> symmetries;
    double mean = 0, count = 0;
    for (const Recipe& recipe : recipes) {
      if (recipe.symmetry.empty()) continue;
      symmetries.emplace(recipe.symmetry, symmetries.size());
      mean += recipe.strength;
      ++count;
    }
    if (count > 0) mean /= count;
    const size_t strength = symmetries.size(), first_recipe = strength + 2;
    columns_ = first_recipe + recipes.size();
    for (size_t r = 0; r < recipes.size(); ++r) {
      const Recipe& recipe = recipes[r];
      std::vector<double> row(columns_);
      if (!recipe.symmetry.empty()) {
        // The strengths of the grid are 0 to 1/2: scaled to about -1..1.
        const double s = 4 * (recipe.strength - mean);
        row[symmetries.at(recipe.symmetry)] = 1;
        row[strength] = s;
        row[strength + 1] = s * s;
      }
      row[first_recipe + r] = 1;
      rows_.push_back(std::move(row));
      outside_.push_back(recipe.symmetry.empty());
    }
    for (size_t c = 0; c < columns_; ++c) {
      prior_.push_back(c < first_recipe ? kFactorVariance : kRecipeVariance);
    }
    // A recipe outside the grid has no factors to lean on.
    for (size_t r = 0; r < recipes.size(); ++r) {
      if (outside_[r]) prior_[first_recipe + r] = kFactorVariance;
    }
  }
  size_t columns() const { return columns_; }
  const std::vector<double>& row(size_t recipe) const { return rows_[recipe]; }
  double prior(size_t column) const { return prior_[column]; }

 private:
  size_t columns_ = 0;
  Matrix rows_;
  std::vector<double> prior_;
  std::vector<bool> outside_;
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The weights of effect a minus effect b, of so many recipes.
std::vector<double> difference(size_t recipes, int a, int b) {
  std::vector<double> weights(recipes);
  weights[a] += 1;
  weights[b] -= 1;
  return weights;
}

}  // namespace

double ScreenFit::standard_error(const std::vector<double>& weights) const {
  double variance = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    for (size_t j = 0; j < weights.size(); ++j) {
      variance += weights[i] * weights[j] * covariance[i][j];
    }
  }
  return noise * std::sqrt(std::max(0.0, variance));
}

double ScreenFit::standard_error(int a, int b) const {
  return standard_error(difference(effect.size(), a, b));
}

double ScreenFit::half_interval(const std::vector<double>& weights) const {
  return boost::math::quantile(boost::math::students_t(degrees), 0.975) * standard_error(weights);
}

double ScreenFit::half_interval(int a, int b) const {
  return half_interval(difference(effect.size(), a, b));
}

ScreenFit fit_screen(const std::vector<Recipe>& recipes, const std::vector<ScreenValue>& values) {
  const Design design(recipes);
  std::map<int, size_t> folds;
  for (const ScreenValue& value : values) folds.emplace(value.fold, folds.size());
  const size_t columns = design.columns() + folds.size();
  const auto row_of = [&](const ScreenValue& value) {
    std::vector<double> row = design.row(value.recipe);
    row.resize(columns);
    row[design.columns() + folds.at(value.fold)] = 1;
    return row;
  };
  Matrix normal = zeros(columns, columns);
  for (size_t c = 0; c < columns; ++c) {
    normal[c][c] = 1 / (c < design.columns() ? design.prior(c) : kFoldVariance);
  }
  std::vector<double> right(columns);
  for (const ScreenValue& value : values) {
    const std::vector<double> row = row_of(value);
    for (size_t i = 0; i < columns; ++i) {
      right[i] += row[i] * value.value;
      for (size_t j = 0; j < columns; ++j) normal[i][j] += row[i] * row[j];
    }
  }
  const Matrix covariance = inverse(normal);
  std::vector<double> b;
  for (const std::vector<double>& row : covariance) b.push_back(dot(row, right));

  // y'y - b'X'y is the sum of squares of what noise and priors have to explain, n - folds degrees.
  // The variance of drawing the images counts as an earlier estimate of the noise² (conjugate prior
  // of a normal regression, scaled inverse chi-squared).
  double squares = 0, variance = 0;
  for (const ScreenValue& value : values) {
    squares += value.value * value.value;
    variance += value.variance / static_cast<double>(values.size());
  }
  const double known = variance > 0 ? kVarianceDegrees : 0;
  ScreenFit fit;
  fit.degrees = known + std::max<double>(1, static_cast<double>(values.size() - folds.size()));
  fit.noise = std::sqrt((known * variance + std::max(0.0, squares - dot(b, right))) / fit.degrees);

  // The effects, less their mean.
  Matrix rows;
  std::vector<double> mean(columns);
  for (size_t r = 0; r < recipes.size(); ++r) {
    std::vector<double> row = design.row(r);
    row.resize(columns);
    for (size_t c = 0; c < columns; ++c) mean[c] += row[c] / static_cast<double>(recipes.size());
    rows.push_back(std::move(row));
  }
  Matrix spread;  // rows times the covariance
  for (std::vector<double>& row : rows) {
    for (size_t c = 0; c < columns; ++c) row[c] -= mean[c];
    fit.effect.push_back(dot(row, b));
    std::vector<double> product(columns);
    for (size_t c = 0; c < columns; ++c) product[c] = dot(covariance[c], row);
    spread.push_back(std::move(product));
  }
  fit.covariance = zeros(recipes.size(), recipes.size());
  for (size_t i = 0; i < recipes.size(); ++i) {
    for (size_t j = 0; j < recipes.size(); ++j) fit.covariance[i][j] = dot(rows[i], spread[j]);
  }
  return fit;
}

}  // namespace popaug
