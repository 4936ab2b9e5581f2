// The drift band: what mutation alone does to a schedule (docs/formats/band.md).
#ifndef POPAUG_SEARCH_BAND_H_
#define POPAUG_SEARCH_BAND_H_

#include <string>
#include <vector>

#include "popaug/search/settings.h"

namespace popaug {

// Mean and quantiles over lineages, per epoch.
struct BandCurve {
  std::vector<double> mean, low, high;  // [epochs]
};

// The curves of an op are those of the mean over its entries in the policy: probability 0..1, and
// level.
struct DriftBand {
  int lineages = 0, epochs = 0;
  std::vector<std::string> ops;
  std::vector<BandCurve> probability, level;  // [ops]
  std::vector<int> explores;                  // [lineages] explore steps on each
  SearchSettings settings;
};

// Winners' lineages of `lineages` searches under Selection::kNone, with the seeds settings.seed,
// settings.seed + 1, ...
DriftBand drift_band(const SearchSettings& settings, int lineages, int threads, Progress& progress);
Json band_to_json(const DriftBand& band);
void save_band(const DriftBand& band, const fs::path& path);

}  // namespace popaug

#endif  // POPAUG_SEARCH_BAND_H_
