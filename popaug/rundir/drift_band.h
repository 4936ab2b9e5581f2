// drift.band.json: what mutation alone does to a schedule (docs/formats/band.md).
#ifndef POPAUG_RUNDIR_DRIFT_BAND_H_
#define POPAUG_RUNDIR_DRIFT_BAND_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// Mean and quantiles over lineages, per epoch.
struct BandCurve {
  std::vector<double> mean, low, high;  // [epochs]
};

// The curves of an op are those of the mean over its entries in the policy: probability 0..1, and
// level.
struct DriftBand {
  int lineages = 0, epochs = 0;
  double mean_explores = 0;  // explore steps on a lineage
  std::vector<std::string> ops;
  std::vector<BandCurve> probability, level;  // [ops]
  Json search = Json::object();               // the settings of the searches behind it

  // Returns the index of the op, or nothing.
  std::optional<size_t> find(const std::string& op) const;
  // Returns the epoch of the band that corresponds to epoch `epoch` of `total`.
  size_t epoch_of(int epoch, int total) const;
};

Json band_to_json(const DriftBand& band);
void save_band(const DriftBand& band, const fs::path& path);
// Throws Error for another version, lists of another length than epochs, or numbers out of order.
DriftBand band_from_json(const Json& json, const std::string& origin);
DriftBand load_band(const fs::path& path);

}  // namespace popaug

#endif  // POPAUG_RUNDIR_DRIFT_BAND_H_
