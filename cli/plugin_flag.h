// --plugin, the same in every verb that applies ops.
#ifndef POPAUG_CLI_PLUGIN_FLAG_H_
#define POPAUG_CLI_PLUGIN_FLAG_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace popaug::cli {

// Adds --plugin FILE (repeatable); `paths` must outlive the parse.
void plugin_flag(CLI::App& verb, std::vector<std::string>& paths);
// Loads them in order, before any space, schedule or policy is read.
void load_plugins(const std::vector<std::string>& paths);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_PLUGIN_FLAG_H_
