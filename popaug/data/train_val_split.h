// Which images train and which validate: drawn by seed, written to a file, read back.
#ifndef POPAUG_DATA_TRAIN_VAL_SPLIT_H_
#define POPAUG_DATA_TRAIN_VAL_SPLIT_H_

#include "popaug/data/dataset.h"

namespace popaug {

// How a set is divided for training: indices into the splits named, and what drew them.
struct TrainValSplit {
  std::string train_from = "train";
  std::string validation_from = "train";  // "val" where the source gives one
  std::vector<uint32_t> train, validation;
  Json how = Json::object();  // seed, sizes, fold, dropped: a record for the reader
};

// The split that `train_size` and `val_size` ask for. A "val" split of the source is used as it
// is (then the sizes cut each side, stratified); otherwise "train" is divided. A size of 0 means:
// training all that is left, validation the whole "val" split, or of "train" a quarter, at least
// 50, at most 2,000 and never more than half. `dropped` are indices into "train" that take no part.
// Throws UsageError if the sizes do not fit the set; the message names one that does.
TrainValSplit divide(const Dataset& data, size_t train_size, size_t val_size, uint64_t seed,
                     std::span<const uint32_t> dropped = {});

// Indices into "train" of images that would poison a result: identical to an image of another
// split, identical to an earlier one of "train", or present under two labels (then all of them).
std::vector<uint32_t> poisoned_images(const Dataset& data);

// The file of docs/formats/split.md. Reading throws Error if the file is broken or belongs to
// other data (by classes, labels and, at the same size, pixels).
std::string split_text(const TrainValSplit& split, const Dataset& data);
void write_split(const fs::path& path, const TrainValSplit& division, const Dataset& data);
TrainValSplit read_split(const fs::path& path, const Dataset& data);
TrainValSplit parse_split(std::string_view text, const std::string& origin, const Dataset& data);

}  // namespace popaug

#endif  // POPAUG_DATA_TRAIN_VAL_SPLIT_H_
