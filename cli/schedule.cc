// popaug schedule: everything about schedule files.
#include "cli/schedule.h"

#include <algorithm>

#include "popaug/augment/augment.h"
#include "popaug/base/base.h"

namespace popaug::cli {

Schedule schedule_argument(const std::string& name_or_path) {
  const AcceptUnknownOps names_and_values;  // to show and to export, not to apply
  const auto baselines = baseline_names();
  // The baseline without what may follow it: flipcrop+cutmix.
  const std::string bare = name_or_path.substr(0, name_or_path.find('+'));
  const bool listed = std::find(baselines.begin(), baselines.end(), bare) != baselines.end();
  if (listed || numbered_baseline(bare)) return baseline_schedule(name_or_path);
  return find_schedule(name_or_path);
}

void add_schedule(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand(
      "schedule", "Show, plot, check, import, export and change schedule files");
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
