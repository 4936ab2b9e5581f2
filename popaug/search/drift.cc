#include "popaug/search/drift.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "popaug/search/population.h"

namespace popaug {
namespace {

// A search in which every score is the same, as fast as the state machine goes.
Population drift(SearchSettings settings, uint64_t seed) {
  settings.seed = seed;
  Population population(settings);
  while (!population.finished()) {
    for (const int member : population.due()) population.tell(member, {});
  }
  return population;
}

// Per op and epoch, the mean of the op's entries in one lineage.
struct Curves {
  std::vector<float> probability, level;  // [ops][epochs]
  int explores = 0;
};

Curves curves_of(const Population& population) {
  const SearchSettings& s = population.settings();
  const int winner = population.winner();
  const size_t ops = s.space.ops.size();
  const auto epochs = static_cast<size_t>(s.epochs);
  Curves curves;
  curves.probability.resize(ops * epochs);
  curves.level.resize(ops * epochs);
  curves.explores = static_cast<int>(population.lineage(winner).size()) - 1;
  size_t epoch = 0;
  for (const Segment& segment : population.fold(winner).segments) {
    std::vector<double> probability(ops), level(ops);
    for (const PolicyEntry& entry : segment.policy.entries) {
      probability[entry.op] += entry.probability / s.copies;
      level[entry.op] += static_cast<double>(entry.level) / s.copies;
    }
    for (int i = 0; i < segment.epochs; ++i, ++epoch) {
      for (size_t op = 0; op < ops; ++op) {
        curves.probability[op * epochs + epoch] = static_cast<float>(probability[op]);
        curves.level[op * epochs + epoch] = static_cast<float>(level[op]);
      }
    }
  }
  return curves;
}

// Type 7 of Hyndman and Fan (1996): linear between order statistics.
double quantile(const std::vector<float>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

void add_point(BandCurve& curve, std::vector<float>& values) {
  std::sort(values.begin(), values.end());
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  const auto tidy = [](double value) { return std::round(value * 1e4) / 1e4; };
  curve.mean.push_back(tidy(sum / static_cast<double>(values.size())));
  curve.low.push_back(tidy(quantile(values, 0.025)));
  curve.high.push_back(tidy(quantile(values, 0.975)));
}

// What a reader of the band must know of the searches behind it.
Json search_to_json(const SearchSettings& s) {
  return {{"population", s.population},
          {"epochs_per_round", s.epochs_per_round},
          {"fraction", s.fraction},
          {"seed", s.seed},
          {"copies", s.copies},
          {"explore", {{"reset", s.explore.reset}, {"amounts", s.explore.amounts}}},
          {"start", s.start},
          {"space", s.space.name}};
}

}  // namespace

DriftBand drift_band(const SearchSettings& given, int lineages, int threads, Progress& progress) {
  if (lineages < 1) throw UsageError("a drift band needs at least one lineage");
  SearchSettings settings = given;
  settings.selection = Selection::kNone;
  settings.asynchronous = false;
  check_settings(settings);
  DriftBand band;
  band.lineages = lineages;
  band.search = search_to_json(settings);
  band.epochs = given.epochs;
  band.ops = given.space.op_names();
  std::vector<Curves> all(static_cast<size_t>(lineages));
  std::mutex mutex;
  int done = 0;
  parallel_for(all.size(), threads, [&](size_t i) {
    all[i] = curves_of(drift(settings, given.seed + i));
    std::lock_guard lock(mutex);
    progress.update(++done, lineages, "lineages");
  });
  double explores = 0;
  for (const Curves& curves : all) explores += curves.explores;
  band.mean_explores = explores / lineages;
  const auto epochs = static_cast<size_t>(given.epochs);
  std::vector<float> values(all.size());
  for (size_t op = 0; op < band.ops.size(); ++op) {
    band.probability.emplace_back();
    band.level.emplace_back();
    for (size_t at = op * epochs; at < (op + 1) * epochs; ++at) {
      for (size_t i = 0; i < all.size(); ++i) values[i] = all[i].probability[at];
      add_point(band.probability.back(), values);
      for (size_t i = 0; i < all.size(); ++i) values[i] = all[i].level[at];
      add_point(band.level.back(), values);
    }
  }
  return band;
}

}  // namespace popaug
