// An evaluation as people and programs read it.
#ifndef POPAUG_CLI_EVALUATION_H_
#define POPAUG_CLI_EVALUATION_H_

#include <string>
#include <vector>

#include "popaug/experiment/experiment.h"
#include "popaug/train/train.h"

namespace popaug::cli {

// A table: error with its interval, per class, and the confusion matrix where it fits a screen.
std::string evaluation_text(const Evaluation& evaluation, const std::vector<std::string>& classes);
// A field of a CSV file, in quotes where it needs them.
std::string csv_field(const std::string& text);
// Rows: true class; columns: predicted.
std::string confusion_csv(const Evaluation& evaluation, const std::vector<std::string>& classes);
std::string confusion_svg(const Evaluation& evaluation, const std::vector<std::string>& classes);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_EVALUATION_H_
