// Which images train and which validate: drawn by seed, written to a file, read back.
#ifndef POPAUG_DATA_SPLIT_H_
#define POPAUG_DATA_SPLIT_H_

#include "popaug/data/dataset.h"

namespace popaug {

// Indices into a split: what trains and what validates.
struct SplitPlan {
  std::vector<uint32_t> train;
  std::vector<uint32_t> validation;
};

// `train_size` and `val_size` images, disjoint, stratified by label (each class in its share, the
// remainder by largest fraction), drawn by seed. Groups, where present, never stand on both sides.
// Throws UsageError if the split holds too few, or a class cannot be on both sides.
SplitPlan stratified_split(const Split& split, size_t train_size, size_t val_size, uint64_t seed);

// The split in `folds` parts for cross-validation, each with its share of every label (counts of a
// label differ by one at most; with groups, whole groups, as even as these allow). Part k
// validates in fold k, the others train. Throws UsageError for fewer than 2 folds or more than
// images (or groups).
std::vector<std::vector<uint32_t>> stratified_folds(const Split& split, size_t folds,
                                                    uint64_t seed);

// How a set is divided for training: indices into the splits named, and what drew them.
struct Division {
  std::string train_from = "train";
  std::string validation_from = "train";  // "val" where the source gives one
  SplitPlan plan;
  Json how = Json::object();  // seed, sizes, fold, dropped: a record for the reader
};

// The division that `train_size` and `val_size` ask for. A "val" split of the source is used as it
// is (then the sizes cut each side, stratified); otherwise "train" is divided. A size of 0 means:
// training all that is left, validation the whole "val" split, or a fifth of "train".
// `dropped` are indices into "train" that take no part. Throws UsageError as stratified_split.
Division divide(const Dataset& data, size_t train_size, size_t val_size, uint64_t seed,
                std::span<const uint32_t> dropped = {});

// Indices into "train" of images that would poison a result: identical to an image of another
// split, identical to an earlier one of "train", or present under two labels (then all of them).
std::vector<uint32_t> poisoned_images(const Dataset& data);

// The file of docs/formats/split.md. Reading throws Error if the file is broken or belongs to
// other data (by classes, labels and, at the same size, pixels).
void write_division(const fs::path& path, const Division& division, const Dataset& data);
Division read_division(const fs::path& path, const Dataset& data);
Division parse_division(std::string_view text, const std::string& origin, const Dataset& data);

}  // namespace popaug

#endif  // POPAUG_DATA_SPLIT_H_
