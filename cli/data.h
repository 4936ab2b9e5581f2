// The verbs below `popaug data`, and the flags that they share.
#ifndef POPAUG_CLI_DATA_H_
#define POPAUG_CLI_DATA_H_

#include <string>

#include "cli/verbs.h"
#include "popaug/data/data.h"
#include "popaug/model/model.h"

namespace popaug::cli {

struct ReadFlags {
  std::string data, size, fit = "stretch", image_column, label_column, range = "full";
  std::string background = "black";
  int workers = 0;
  double memory_gib = 8;
  bool allow_outside = false, scaled_decoding = false, keep_going = false;
  ReadOptions options() const;
};

void add_read_flags(CLI::App& verb, ReadFlags& flags);
// --range and --background.
void add_rule_flags(CLI::App& verb, std::string& range, std::string& background);
// --fit.
void add_fit_flag(CLI::App& verb, std::string& fit);

// How a network's images are read: --fit, --range and --background where they are given, else as
// its checkpoint says.
struct ReadingFlags {
  std::string fit, range, background;
  void add(CLI::App& verb);
  // Throws UsageError for the range "auto", which is of one set of images.
  void apply(const CheckpointInfo& info, ReadOptions& options) const;
};
// --image-column and --label-column.
void add_column_flags(CLI::App& verb, std::string& image_column, std::string& label_column);

void add_data_info(CLI::App& data, Action& action);
void add_data_verify(CLI::App& data, Action& action);
void add_data_split(CLI::App& data, Action& action);
void add_data_convert(CLI::App& data, Action& action);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_DATA_H_
