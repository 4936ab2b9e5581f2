// How a verb with a run directory begins: afresh, or from what stands there.
#ifndef POPAUG_CLI_RUN_FOLDER_H_
#define POPAUG_CLI_RUN_FOLDER_H_

#include <map>
#include <string>

#include "cli/settings.h"

namespace popaug::cli {

// What the sentences call the work, and the file by which it is known to be there.
struct RunWords {
  const char* missing = "run";  // "--resume: there is no ... in"
  const char* present = "run";  // "... holds a ... already"
  const char* mark = "config.toml";
};

// With `resume` takes the settings of out/config.toml; without it refuses a directory in use.
// Throws UsageError.
void start_or_resume(SettingsFlags& flags, const fs::path& out, bool resume, const RunWords& words);

// Takes epochs back that a preset gave: its length is that of a search or a final training, which a
// verb of many short trainings does not mean. `origins` as SettingsFlags::resolve() gives them.
void forget_preset_length(Settings& settings, const std::map<std::string, std::string>& origins);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_RUN_FOLDER_H_
