#include "popaug/compare/blocks.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "popaug/base/base.h"

namespace popaug {
namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

Blocks randomised_blocks(std::span<const std::vector<double>> values) {
  if (values.size() < 2 || values.front().size() < 2) {
    throw Error("randomised blocks need at least two arms and two seeds");
  }
  const size_t arms = values.size(), seeds = values.front().size();
  std::vector<double> seed_means(seeds, 0.0);
  Blocks blocks;
  blocks.seeds = static_cast<int>(seeds);
  for (const std::vector<double>& row : values) {
    if (row.size() != seeds) throw Error("randomised blocks: an arm lacks a seed");
    for (size_t s = 0; s < seeds; ++s) {
      if (!std::isfinite(row[s])) throw Error("statistics: a value is not a finite number");
      seed_means[s] += row[s] / static_cast<double>(arms);
    }
    blocks.means.push_back(mean_of(row));
  }
  const double grand = mean_of(blocks.means);
  double squares = 0;
  for (size_t a = 0; a < arms; ++a) {
    for (size_t s = 0; s < seeds; ++s) {
      const double left = values[a][s] - blocks.means[a] - seed_means[s] + grand;
      squares += left * left;
    }
  }
  blocks.degrees = static_cast<int>((arms - 1) * (seeds - 1));
  blocks.variance = squares / blocks.degrees;
  return blocks;
}

double difference_error(const Blocks& blocks) {
  return std::sqrt(2 * blocks.variance / blocks.seeds);
}

double upper_tail(double t, int degrees) {
  const boost::math::students_t distribution(degrees);
  return boost::math::cdf(boost::math::complement(distribution, t));
}

double upper_p(double difference, double error, int degrees) {
  // Noise below this is rounding: shares of images are not known more precisely.
  constexpr double kRounding = 1e-12;
  if (error < kRounding) return difference > kRounding ? 0 : difference < -kRounding ? 1 : 0.5;
  return upper_tail(difference / error, degrees);
}

double upper_quantile(double tail, int degrees) {
  const boost::math::students_t distribution(degrees);
  return boost::math::quantile(boost::math::complement(distribution, tail));
}

}  // namespace popaug
