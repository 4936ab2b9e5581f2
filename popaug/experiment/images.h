// The images of an experiment, and which of them train and which validate.
#ifndef POPAUG_EXPERIMENT_IMAGES_H_
#define POPAUG_EXPERIMENT_IMAGES_H_

#include <string>
#include <vector>

#include "popaug/data/data.h"
#include "popaug/experiment/settings.h"
#include "popaug/rundir/rundir.h"

namespace popaug {

// The labelled images of a run. `train` and `validation` index into their splits: both into the
// training split, or validation into the set's own validation split where it has one and no
// --val-size or --split was given.
struct Inputs {
  Dataset data;
  std::string fingerprint;
  const ImageSet* train_split = nullptr;
  const ImageSet* validation_split = nullptr;
  const ImageSet* test_split = nullptr;  // nullptr: the set has none
  std::vector<uint32_t> train;
  std::vector<uint32_t> validation;  // may be empty for a training
  TrainValSplit division;            // what `train` and `validation` were made from, for the run
  std::vector<std::string> notes;    // sentences for the user
  std::string division_note;         // that of them which says how many validate, or ""
  bool grey() const { return train_split->channels == 1; }
};

// Reads the set that the settings name and draws the parts by seed. `needs_validation`: throws
// UsageError where no validation images can be had. A class that is too small is named.
// Sizes and a batch that were not given (ExperimentSettings::given) are reduced where the set is
// too small for them; `settings` then has the numbers that are used, and a note says so.
Inputs read_inputs(ExperimentSettings& settings, bool needs_validation, Progress& progress);

// Writes left-out.txt, a line for each image that setting "keep_going" left out, before the run has
// a config.toml. Writes nothing if none was left out.
void record_left_out(RunDirectory& directory, const Inputs& inputs);
// Writes split.json: which images train and which validate. A resume replaces it where it is not
// what the settings and the images give (RunDirectory::confirm).
void record_split(RunDirectory& directory, const Inputs& inputs);

// Names the set by an absolute path, so that config.toml means the same in any folder.
void make_data_absolute(ExperimentSettings& settings);

// Indices of all images of a split, in order.
std::vector<uint32_t> all_of(const ImageSet& split);

// The images to train on when nothing is kept for validation: train and validation together,
// sorted, where both are of one split; else train.
std::vector<uint32_t> all_labelled(const Inputs& inputs);

// What determines a trainer's results, beside data and policies: for records that a resumed run
// must equal.
Json trainer_record(const ExperimentSettings& settings, const Inputs& inputs);
// The hash of the split file; "" where there is none.
std::string split_record(const ExperimentSettings& settings);

// What an epoch over so many images trains: whole batches.
int64_t images_of_epoch(size_t images, const ExperimentSettings& settings);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_IMAGES_H_
