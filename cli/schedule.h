// What the subcommands of `popaug schedule` share. Private to cli/schedule*.cc.
#ifndef POPAUG_CLI_SCHEDULE_H_
#define POPAUG_CLI_SCHEDULE_H_

#include <string>

#include "cli/output.h"
#include "cli/verbs.h"
#include "popaug/schedule/schedule.h"

namespace popaug::cli {

// A shipped schedule, a baseline, or a file.
Schedule schedule_argument(const std::string& name_or_path);

// Each adds its subcommands to the verb.
void add_schedule_show(CLI::App& verb, Action& action);       // show, plot, validate
void add_schedule_exchange(CLI::App& verb, Action& action);   // import, export
void add_schedule_transform(CLI::App& verb, Action& action);  // stretch, flatten, last, shuffle
void add_schedule_diff(CLI::App& verb, Action& action);       // diff

}  // namespace popaug::cli

#endif  // POPAUG_CLI_SCHEDULE_H_
