// What verbs that train have in common: the images, and who trains and who validates.
#ifndef POPAUG_CLI_INPUTS_H_
#define POPAUG_CLI_INPUTS_H_

#include <string>
#include <vector>

#include "cli/settings.h"
#include "popaug/data/data.h"

namespace popaug::cli {

// The labelled images of a run. `train` and `validation` index into their splits: both into the
// training split, or validation into the set's own validation split where it has one and no
// --val-size or --split was given.
struct Inputs {
  Dataset data;
  std::string fingerprint;
  const Split* train_split = nullptr;
  const Split* validation_split = nullptr;
  const Split* test_split = nullptr;  // nullptr: the set has none
  std::vector<uint32_t> train;
  std::vector<uint32_t> validation;  // may be empty for a training
  Division division;                 // what `train` and `validation` were made from, for the run
  std::vector<std::string> notes;    // sentences for the user
  bool grey() const { return train_split->channels == 1; }
};

// Reads --data (with --size, --split) and draws the parts by seed. `needs_validation`: throws
// UsageError where no validation images can be had. A class that is too small is named.
Inputs read_inputs(const Settings& settings, bool needs_validation, Progress& progress);

// Indices of all images of a split, in order.
std::vector<uint32_t> all_of(const Split& split);

// The images to train on when nothing is kept for validation: train and validation together,
// sorted, where both are of one split; else train.
std::vector<uint32_t> all_labelled(const Inputs& inputs);

// "--size 32" or "--size 64x48" as width and height; {0, 0} for an empty text.
std::pair<int, int> parse_size(const std::string& text);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_INPUTS_H_
