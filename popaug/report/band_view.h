// A drift band as pictures and comparisons need it (docs/formats/band.md).
#ifndef POPAUG_REPORT_BAND_VIEW_H_
#define POPAUG_REPORT_BAND_VIEW_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/schedule/schedule.h"

namespace popaug {

// The three lines of a band for one number of one op, per epoch.
struct BandLines {
  std::vector<double> mean, low, high;
};

struct BandView {
  int epochs = 0;
  int lineages = 0;
  std::vector<std::string> ops;
  std::vector<BandLines> probability, level;  // [ops]

  // Index of the op, or nothing.
  std::optional<size_t> find(const std::string& op) const;
  // The band's epoch that lies under epoch `epoch` of `total`.
  size_t epoch_of(int epoch, int total) const;
};

// Throws Error for another version, lists of another length than epochs, or numbers out of order.
BandView band_from_json(const Json& json, const std::string& origin);
BandView load_band_view(const fs::path& path);

// Where a schedule leaves the band: share of its epochs above and below, per op of the schedule.
struct BandExit {
  std::string op;
  bool known = false;  // the band has this op
  double probability_above = 0, probability_below = 0, level_above = 0, level_below = 0;
};
std::vector<BandExit> leave_band(const Schedule& schedule, const BandView& band);

}  // namespace popaug

#endif  // POPAUG_REPORT_BAND_VIEW_H_
