#include "popaug/report/band_exit.h"

namespace popaug {

std::vector<BandExit> band_exits(const Schedule& schedule, const DriftBand& band) {
  const auto segments = summarise_schedule(schedule);
  const int total = schedule.epochs();
  std::vector<BandExit> exits;
  for (size_t op = 0; op < schedule.space.ops.size(); ++op) {
    BandExit exit;
    exit.op = schedule.space.ops[op].op;
    const auto row = band.find(exit.op);
    exit.known = row.has_value();
    int epoch = 0;
    for (size_t s = 0; row && s < segments.size(); ++s) {
      for (const int end = epoch + schedule.segments[s].epochs; epoch < end; ++epoch) {
        const size_t at = band.epoch_of(epoch, total);
        const OpSummary& here = segments[s][op];
        const BandCurve& p = band.probability[*row];
        const BandCurve& l = band.level[*row];
        // Quantiles carry rounding; an exit is more than that.
        constexpr double kSlack = 1e-9;
        exit.probability_above += here.probability > p.high[at] + kSlack;
        exit.probability_below += here.probability < p.low[at] - kSlack;
        exit.level_above += here.level > l.high[at] + kSlack;
        exit.level_below += here.level < l.low[at] - kSlack;
      }
    }
    for (double* share :
         {&exit.probability_above, &exit.probability_below, &exit.level_above, &exit.level_below}) {
      *share /= total;
    }
    exits.push_back(exit);
  }
  return exits;
}

}  // namespace popaug
