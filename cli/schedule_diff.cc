// popaug schedule diff.
#include "cli/schedule.h"

namespace popaug::cli {

void add_schedule_diff(CLI::App&, Action&) {}

}  // namespace popaug::cli
