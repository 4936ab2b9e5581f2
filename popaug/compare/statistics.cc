#include "popaug/compare/statistics.h"

#include <algorithm>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "popaug/base/base.h"

namespace popaug {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation_of(std::span<const double> values, double mean) {
  if (values.size() < 2) return 0;
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

Interval t_interval(double mean, double deviation, size_t count) {
  if (count < 2) return {kNaN, kNaN};
  const boost::math::students_t t(static_cast<double>(count - 1));
  const double half =
      boost::math::quantile(t, 0.975) * deviation / std::sqrt(static_cast<double>(count));
  return {mean - half, mean + half};
}

void check_finite(std::span<const double> values) {
  for (const double v : values) {
    if (!std::isfinite(v)) throw Error("statistics: a value is not a finite number");
  }
}

// The power of the two-sided paired t test at n seeds.
double power_at(int n, double effect_in_deviations, double alpha) {
  const double degrees = n - 1;
  const boost::math::students_t t(degrees);
  const double critical = boost::math::quantile(t, 1 - alpha / 2);
  const boost::math::non_central_t shifted(degrees, effect_in_deviations * std::sqrt(double(n)));
  return boost::math::cdf(boost::math::complement(shifted, critical)) +
         boost::math::cdf(shifted, -critical);
}

}  // namespace

MeanSummary summarise(std::span<const double> values) {
  if (values.empty()) throw Error("statistics: no values to summarise");
  check_finite(values);
  MeanSummary summary;
  summary.count = static_cast<int>(values.size());
  summary.mean = mean_of(values);
  summary.deviation = deviation_of(values, summary.mean);
  summary.interval = t_interval(summary.mean, summary.deviation, values.size());
  return summary;
}

PairedDifference paired_difference(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size() || a.size() < 2) {
    throw Error("a paired difference needs the same seeds in both arms, at least two: found " +
                std::to_string(a.size()) + " and " + std::to_string(b.size()));
  }
  check_finite(a);
  check_finite(b);
  std::vector<double> differences(a.size());
  for (size_t i = 0; i < a.size(); ++i) differences[i] = a[i] - b[i];
  PairedDifference result;
  result.count = static_cast<int>(a.size());
  result.mean = mean_of(differences);
  result.deviation = deviation_of(differences, result.mean);
  result.interval = t_interval(result.mean, result.deviation, a.size());
  if (result.deviation == 0) {
    result.p = result.mean == 0 ? 1 : 0;
    return result;
  }
  const double t = result.mean / (result.deviation / std::sqrt(static_cast<double>(a.size())));
  const boost::math::students_t distribution(static_cast<double>(a.size() - 1));
  result.p = 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(t)));
  return result;
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t j) { return p[i] < p[j]; });
  std::vector<double> adjusted(p.size());
  double running = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double scaled = static_cast<double>(p.size() - rank) * p[order[rank]];
    running = std::min(1.0, std::max(running, scaled));
    adjusted[order[rank]] = running;
  }
  return adjusted;
}

int seeds_needed(double deviation, double effect, double alpha, double power) {
  POPAUG_ASSERT(deviation >= 0 && effect > 0 && alpha > 0 && alpha < 1 && power > 0 && power < 1);
  constexpr int kMost = 100000;
  if (deviation == 0) return 2;
  const double ratio = effect / deviation;
  int low = 2, high = 2;
  while (high < kMost && power_at(high, ratio, alpha) < power) {
    low = high;
    high = std::min(kMost, high * 2);
  }
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (power_at(middle, ratio, alpha) >= power) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return high;
}

double share_variance(double share, int64_t images) {
  const double more = static_cast<double>(images) + 2;
  const double shrunk = (share * static_cast<double>(images) + 1) / more;
  return shrunk * (1 - shrunk) / more;
}

Interval wilson(int64_t hits, int64_t total) {
  POPAUG_ASSERT(total >= 1 && hits >= 0 && hits <= total);
  constexpr double kZ = 1.959963984540054;  // the 0.975 quantile of the normal distribution
  const double n = static_cast<double>(total);
  const double share = static_cast<double>(hits) / n;
  const double centre = (share + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half =
      kZ / (1 + kZ * kZ / n) * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace popaug
