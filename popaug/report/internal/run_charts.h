// The charts of a run.
#ifndef POPAUG_REPORT_INTERNAL_RUN_CHARTS_H_
#define POPAUG_REPORT_INTERNAL_RUN_CHARTS_H_

#include "popaug/report/run_view.h"
#include "popaug/report/svg.h"

namespace popaug {

// Score of every member over its epochs. A line ends where its member becomes a target; an arrow
// leads from the donor to the next point of the target. The lineage of the winner is drawn on top.
Svg score_chart(const RunView& view);

// Seconds of work in each round (or epoch: `unit`), the first of which has the number `first`.
Svg time_chart(const std::vector<double>& seconds, const std::string& unit, int first = 0);

}  // namespace popaug

#endif  // POPAUG_REPORT_INTERNAL_RUN_CHARTS_H_
