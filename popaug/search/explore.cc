#include "popaug/search/internal/explore.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

namespace popaug {
namespace {

int draw_step(const ExploreRates& rates, Random& random) {
  const int amount = rates.amounts[random.below(static_cast<uint32_t>(rates.amounts.size()))];
  return (random.next32() & 1) != 0 ? amount : -amount;
}

double tidy(double value, const Gene& gene) {
  if (gene.integer) value = std::round(value);
  return std::clamp(value, gene.low, gene.high);
}

}  // namespace

int explore_number(int value, int low, int high, const ExploreRates& rates, Random& random) {
  if (random.chance(rates.reset)) {
    return low + static_cast<int>(random.below(static_cast<uint32_t>(high - low + 1)));
  }
  return std::clamp(value + draw_step(rates, random), low, high);
}

double draw_gene(const Gene& gene, Random& random) {
  const double u = random.uniform();
  if (gene.log) {
    return tidy(gene.low * std::pow(gene.high / gene.low, u), gene);
  }
  if (gene.integer) {
    return std::min(gene.high, gene.low + std::floor(u * (gene.high - gene.low + 1)));
  }
  return tidy(gene.low + u * (gene.high - gene.low), gene);
}

double explore_gene(double value, const Gene& gene, const ExploreRates& rates, Random& random) {
  if (random.chance(rates.reset)) return draw_gene(gene, random);
  const int step = draw_step(rates, random);
  if (gene.log) return tidy(value * std::pow(gene.high / gene.low, step / 10.0), gene);
  double unit = (gene.high - gene.low) / 10;
  if (gene.integer) unit = std::max(unit, 1.0);
  return tidy(value + step * unit, gene);
}

double paired_p_value(const std::vector<uint8_t>& donor, const std::vector<uint8_t>& target) {
  int64_t only_donor = 0, only_target = 0;
  for (size_t i = 0; i < donor.size(); ++i) {
    only_donor += donor[i] != 0 && target[i] == 0;
    only_target += donor[i] == 0 && target[i] != 0;
  }
  if (only_donor == 0) return 1;
  // P(X >= b) for X ~ Binomial(b + c, 1/2) is the regularised incomplete beta I_{1/2}(b, c + 1).
  return boost::math::ibeta(static_cast<double>(only_donor), static_cast<double>(only_target + 1),
                            0.5);
}

}  // namespace popaug
