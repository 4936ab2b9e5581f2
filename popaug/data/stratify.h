// Divides the images of a set by label, drawn by seed.
#ifndef POPAUG_DATA_STRATIFY_H_
#define POPAUG_DATA_STRATIFY_H_

#include "popaug/data/train_val_split.h"

namespace popaug {

// `train_size` and `val_size` images, disjoint, stratified by label (each class in its share, the
// remainder by largest fraction), drawn by seed. Groups, where present, never stand on both sides.
// Throws UsageError if the split holds too few, or a class cannot be on both sides.
TrainValSplit stratified_split(const ImageSet& split, size_t train_size, size_t val_size,
                               uint64_t seed);

// The split in `folds` parts for cross-validation, each with its share of every label (counts of a
// label differ by one at most; with groups, whole groups, as even as these allow). Part k
// validates in fold k, the others train. Throws UsageError for fewer than 2 folds or more than
// images (or groups).
std::vector<std::vector<uint32_t>> stratified_folds(const ImageSet& split, size_t folds,
                                                    uint64_t seed);

}  // namespace popaug

#endif  // POPAUG_DATA_STRATIFY_H_
