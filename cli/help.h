// How the help of the program looks: at most 100 columns, and on one screen. Flags that few people
// need are in groups of their own, which only --help-all prints.
#ifndef POPAUG_CLI_HELP_H_
#define POPAUG_CLI_HELP_H_

#include <CLI/CLI.hpp>
#include <string>

namespace popaug::cli {

// The group for flags of `group` that few people need.
std::string rare_group(const std::string& group);

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_group(std::string group, bool positional,
                         std::vector<const CLI::Option*> options) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  std::string make_subcommand(const CLI::App* verb) const override;

 private:
  // CLI11 does not hand the mode to make_group().
  mutable bool shows_all_ = false;
};

// Takes the help of `program` over, and of the verbs that are added to it later.
void set_help(CLI::App& program);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_HELP_H_
