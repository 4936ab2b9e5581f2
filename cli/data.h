// The verbs below `popaug data`, and the flags that they share.
#ifndef POPAUG_CLI_DATA_H_
#define POPAUG_CLI_DATA_H_

#include <string>

#include "cli/verbs.h"
#include "popaug/data/data.h"

namespace popaug::cli {

struct ReadFlags {
  std::string data, size;
  int workers = 0;
  double memory_gib = 8;
  bool allow_outside = false, scaled_decoding = false;
  ReadOptions options() const;
};

void add_read_flags(CLI::App& verb, ReadFlags& flags);

void add_data_info(CLI::App& data, Action& action);
void add_data_verify(CLI::App& data, Action& action);
void add_data_split(CLI::App& data, Action& action);
void add_data_convert(CLI::App& data, Action& action);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_DATA_H_
