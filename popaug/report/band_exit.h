// Where a schedule leaves the drift band (docs/formats/band.md).
#ifndef POPAUG_REPORT_BAND_EXIT_H_
#define POPAUG_REPORT_BAND_EXIT_H_

#include <string>
#include <vector>

#include "popaug/rundir/rundir.h"
#include "popaug/schedule/schedule.h"

namespace popaug {

// How much a schedule leaves the band: the share of its epochs above and below it, for one op.
struct BandExit {
  std::string op;
  bool known = false;  // the band has this op
  double probability_above = 0, probability_below = 0, level_above = 0, level_below = 0;
};

// One per op of the schedule.
std::vector<BandExit> band_exits(const Schedule& schedule, const DriftBand& band);

}  // namespace popaug

#endif  // POPAUG_REPORT_BAND_EXIT_H_
