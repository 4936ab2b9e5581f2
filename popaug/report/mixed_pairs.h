// Pairs of images that a schedule mixes, to look at.
#ifndef POPAUG_REPORT_MIXED_PAIRS_H_
#define POPAUG_REPORT_MIXED_PAIRS_H_

#include <string>
#include <vector>

#include "popaug/data/data.h"
#include "popaug/report/run_view.h"

namespace popaug {

// The first `wanted` images of a labelled split that are mixed at an epoch, taken from the classes
// in turn, without those of which more than 95 % stay. There are fewer if the schedule mixes few
// images. Holes have the mean colour of the split. `classes` names its labels. UsageError if the
// schedule mixes no image at that epoch, or the split has fewer than two images.
std::vector<MixedRow> mixed_pairs(const ImageSet& split, const std::vector<std::string>& classes,
                                  const Schedule& schedule, int epoch, uint64_t seed,
                                  size_t wanted);

// "62 % cat, 38 % dog".
std::string mixed_labels(const MixedRow& row);

}  // namespace popaug

#endif  // POPAUG_REPORT_MIXED_PAIRS_H_
