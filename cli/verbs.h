// The verbs of the program: one file per verb, cli/VERB.cc.
#ifndef POPAUG_CLI_VERBS_H_
#define POPAUG_CLI_VERBS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace popaug::cli {

// What the chosen verb does once the command line is read; returns the exit code.
using Action = std::function<int()>;

// Adds the verb to the program: its flags, its help with examples (set by `examples`), and a
// callback that sets `action`. Throws nothing; the action throws popaug::Error.
using AddVerb = void (*)(CLI::App& program, Action& action);

// All verbs, in the order of the program's help (verbs.cc).
const std::vector<AddVerb>& all_verbs();

// Ends a verb's help with "Examples:" and the commands, one a line, each with what it does.
void examples(CLI::App& verb, std::initializer_list<std::pair<const char*, const char*>> lines);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_VERBS_H_
