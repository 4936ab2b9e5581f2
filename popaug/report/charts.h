// The charts of a schedule, as parts for documents and pages. Private to room report.
#ifndef POPAUG_REPORT_CHARTS_H_
#define POPAUG_REPORT_CHARTS_H_

#include "popaug/report/band_view.h"
#include "popaug/report/svg.h"
#include "popaug/schedule/schedule.h"

namespace popaug {

// Time in blocks of constant policy: the segments, or where there are more than a picture can
// show, equal stretches of time with means over them.
struct Block {
  double from = 0, to = 0;  // epochs
  std::vector<OpSummary> ops;
};
std::vector<Block> blocks_of(const Schedule& schedule);

// Ops in the order of pictures: largest expected share first.
std::vector<size_t> picture_order(const Schedule& schedule);

enum class HeatValue { kProbability, kLevel };
// Heat map op x epoch; cells outside the band are outlined.
Svg heat_chart(const Schedule& schedule, HeatValue value, const BandView* band);
// Expected number of ops per image, stacked by op.
Svg share_chart(const Schedule& schedule);
// For every op a small picture: the schedule's curve over the band, exits marked.
Svg band_chart(const Schedule& schedule, const BandView& band, HeatValue value);

}  // namespace popaug

#endif  // POPAUG_REPORT_CHARTS_H_
