// Measures the drift band: what mutation alone does to a schedule (docs/formats/band.md).
#ifndef POPAUG_SEARCH_DRIFT_H_
#define POPAUG_SEARCH_DRIFT_H_

#include "popaug/rundir/rundir.h"
#include "popaug/search/settings.h"

namespace popaug {

// Winners' lineages of `lineages` searches under Selection::kNone, with the seeds settings.seed,
// settings.seed + 1, ...
DriftBand drift_band(const SearchSettings& settings, int lineages, int threads, Progress& progress);

}  // namespace popaug

#endif  // POPAUG_SEARCH_DRIFT_H_
