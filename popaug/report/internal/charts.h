// The charts of a schedule, as parts for documents and pages.
#ifndef POPAUG_REPORT_INTERNAL_CHARTS_H_
#define POPAUG_REPORT_INTERNAL_CHARTS_H_

#include "popaug/report/band_exit.h"
#include "popaug/report/svg.h"
#include "popaug/schedule/schedule.h"

namespace popaug {

// Time in blocks of constant policy: the segments or, if there are more than a picture can show,
// equal spans of time with their means.
struct Block {
  double from = 0, to = 0;  // epochs
  std::vector<OpSummary> ops;
};
std::vector<Block> blocks_of(const Schedule& schedule);

// Ops in the order of pictures: largest expected share first.
std::vector<size_t> picture_order(const Schedule& schedule);

enum class HeatValue { kProbability, kLevel };
// Heat map op x epoch; cells outside the band are outlined.
Svg heat_chart(const Schedule& schedule, HeatValue value, const DriftBand* band);
// The expected number of ops per image, stacked by op.
Svg share_chart(const Schedule& schedule);
// A small picture for every op: the curve of the schedule over the band, with exits marked.
Svg band_chart(const Schedule& schedule, const DriftBand& band, HeatValue value);

}  // namespace popaug

#endif  // POPAUG_REPORT_INTERNAL_CHARTS_H_
