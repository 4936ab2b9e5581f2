// popaug schedule: everything about schedule files.
#include "cli/schedule.h"

#include <algorithm>
#include <cstdio>

#include "popaug/base/base.h"

namespace popaug::cli {

Schedule schedule_argument(const std::string& name_or_path) {
  const auto baselines = baseline_names();
  const bool listed =
      std::find(baselines.begin(), baselines.end(), name_or_path) != baselines.end();
  if (listed || numbered_baseline(name_or_path)) {
    return baseline_schedule(name_or_path);
  }
  return find_schedule(name_or_path);
}

void write_output(const std::string& path, const std::string& text) {
  if (!path.empty()) {
    write_file_atomic(path, text);
  } else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
             std::fflush(stdout) != 0) {
    throw Error("standard output cannot be written");
  }
}

void add_schedule(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand(
      "schedule", "show, plot, check, import, export and change schedule files");
  verb->require_subcommand(1);
  add_schedule_show(*verb, action);
  add_schedule_exchange(*verb, action);
  add_schedule_transform(*verb, action);
  add_schedule_diff(*verb, action);
  examples(*verb, {{"popaug schedule show rcifar10-paper", "the published schedule as a picture"},
                   {"popaug schedule plot run/best.schedule.json -o schedule.svg",
                    "heat maps and expected shares of images"},
                   {"popaug schedule stretch rcifar10-paper --epochs 1800 -o long.schedule.json",
                    "the same schedule for a longer training"},
                   {"popaug schedule SUBCOMMAND --help", "more about each"}});
}

}  // namespace popaug::cli
