// An evaluation as people and programs read it.
#ifndef POPAUG_CLI_EVALUATION_H_
#define POPAUG_CLI_EVALUATION_H_

#include <string>
#include <vector>

#include "popaug/train/train.h"

namespace popaug::cli {

// The checkpoint that a user named: a file, or the best one of a run directory. Throws Error where
// a run directory has a FIFO or a device under that name.
fs::path network_file(const std::string& name);

// Expected calibration error over 15 equal bins of confidence (Guo et al. 2017, arXiv 1706.04599):
// the mean gap between confidence and accuracy, weighted by the bins' images.
double calibration_error(const Evaluation& evaluation);

Json evaluation_json(const Evaluation& evaluation, const std::vector<std::string>& classes);
// A table: error with its interval, per class, and the confusion matrix where it fits a screen.
std::string evaluation_text(const Evaluation& evaluation, const std::vector<std::string>& classes);
// A field of a CSV file, in quotes where it needs them.
std::string csv_field(const std::string& text);
// Rows: true class; columns: predicted.
std::string confusion_csv(const Evaluation& evaluation, const std::vector<std::string>& classes);
std::string confusion_svg(const Evaluation& evaluation, const std::vector<std::string>& classes);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_EVALUATION_H_
