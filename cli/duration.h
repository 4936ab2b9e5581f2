// Times on the command line.
#ifndef POPAUG_CLI_DURATION_H_
#define POPAUG_CLI_DURATION_H_

#include <string>

namespace popaug::cli {

// "30m", "90s", "1.5h" in seconds. Throws UsageError naming `flag` for anything else.
double parse_duration(const std::string& text, const std::string& flag);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_DURATION_H_
