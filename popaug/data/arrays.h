// Sets that a program holds as arrays: how they become a Dataset that can be packed.
#ifndef POPAUG_DATA_ARRAYS_H_
#define POPAUG_DATA_ARRAYS_H_

#include <string>
#include <string_view>
#include <vector>

#include "popaug/data/packed.h"

namespace popaug {

// A set of these splits. Their labels are places in `names`; names that look the same (composed
// Unicode) become one class. The classes are in the order of `names` if `keep_order`, else in the
// order that a folder of them would have, and only those that occur. Throws Error for splits of
// different shapes, splits without images and labels that are not in `names`.
Dataset dataset_of_arrays(std::vector<ImageSet> splits, const std::vector<std::string>& names,
                          bool keep_order);

// pack_dataset() of a set in memory. Not resumable in practice: the caller makes the arrays anew.
PackReport pack_arrays(const Dataset& data, const fs::path& out, const ReadOptions& options,
                       Progress& progress, const StopToken& stop);

// "train", "val" or "test" for any usual name of such a split ("Training", "valid", "t10k"); ""
// for other names.
std::string usual_split(std::string_view name);

}  // namespace popaug

#endif  // POPAUG_DATA_ARRAYS_H_
