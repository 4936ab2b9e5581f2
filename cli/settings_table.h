// The table of settings keys: private to cli/settings*.cc and its test.
#ifndef POPAUG_CLI_SETTINGS_TABLE_H_
#define POPAUG_CLI_SETTINGS_TABLE_H_

#include <string>
#include <variant>
#include <vector>

#include "cli/settings.h"

namespace popaug::cli {

using Member = std::variant<std::string Settings::*, int64_t Settings::*, double Settings::*,
                            bool Settings::*>;

struct SettingRow {
  const char* table;  // TOML table
  const char* key;    // TOML key; the flag is --key with - for _
  Member member;
  unsigned verbs;  // VerbSet
  const char* help;
  double low = 0, high = 0;               // numbers: the closed range
  std::vector<std::string> choices = {};  // texts: the allowed values; empty: any
  std::string flag() const;               // "--train-size"
};

const std::vector<SettingRow>& setting_rows();

}  // namespace popaug::cli

#endif  // POPAUG_CLI_SETTINGS_TABLE_H_
