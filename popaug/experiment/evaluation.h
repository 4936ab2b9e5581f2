// The recipe of an evaluation: the error of a trained network on labelled images.
#ifndef POPAUG_EXPERIMENT_EVALUATION_H_
#define POPAUG_EXPERIMENT_EVALUATION_H_

#include <string>
#include <vector>

#include "popaug/data/data.h"
#include "popaug/model/model.h"
#include "popaug/train/train.h"

namespace popaug {

struct EvaluationRequest {
  std::string network;  // a checkpoint, or a run directory
  std::string data;     // labelled images
  std::string split;    // of the data; "": the test split, or the only one
  std::string size;     // "32", "64x48"; "": that of the network
  // How image files are read, in the words of the settings of these names; "": as the checkpoint
  // says.
  std::string fit, range, background;
  std::string image_column, label_column;
  std::string device = "auto";
  int batch = 0;  // images at a time; 0: as the trainer chooses
  bool scaled_decoding = false, allow_outside = false, keep_going = false;
};

struct EvaluatedNetwork {
  fs::path checkpoint;
  CheckpointInfo network;
  std::string data, split;  // where the images are, and the name of their split
  Evaluation evaluation;    // over the classes of the network
};

// Evaluates. Classes are matched by name. Throws UsageError for a split that the data lack, Error
// for images of a class that the network does not know.
EvaluatedNetwork evaluate_network(const EvaluationRequest& request, Progress& progress);

// The checkpoint that a user named: a file, or the best one of a run directory. Throws Error where
// a run directory has a FIFO or a device under that name.
fs::path network_file(const std::string& name);

// Sets how image files are read: fit, range and background as given, or where these are "" as the
// checkpoint says. Throws UsageError for the range "auto", which is of one set of images.
void read_as_network(const CheckpointInfo& info, const std::string& fit, const std::string& range,
                     const std::string& background, ReadOptions& options);

// Expected calibration error over 15 equal bins of confidence (Guo et al. 2017, arXiv 1706.04599):
// the mean gap between confidence and accuracy, weighted by the bins' images.
double calibration_error(const Evaluation& evaluation);

Json evaluation_json(const Evaluation& evaluation, const std::vector<std::string>& classes);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_EVALUATION_H_
