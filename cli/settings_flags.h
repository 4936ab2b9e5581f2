// The flags of the settings of one verb, and how messages name them.
#ifndef POPAUG_CLI_SETTINGS_FLAGS_H_
#define POPAUG_CLI_SETTINGS_FLAGS_H_

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "popaug/experiment/experiment.h"

namespace popaug::cli {

// Declare with add_flags() while the verb is built; ask for the settings inside the action.
class SettingsFlags {
 public:
  explicit SettingsFlags(Verbs verb) : verb_(verb) {}

  // Adds --preset, --config and one flag per setting that the verb knows.
  void add_flags(CLI::App& app);
  // Whether the command line has the flag of the setting.
  bool given(const std::string& key) const { return texts_.contains(key); }

  // As the functions of these names. Throws UsageError.
  ExperimentSettings resolve() const { return resolve_settings(verb_, sources()); }
  void open_run(RunRequest& request) const { popaug::open_run(request, verb_, sources()); }

 private:
  SettingSources sources() const;

  Verbs verb_;
  std::string preset_, config_;
  std::map<std::string, std::string> texts_;  // key -> text of the flag
};

// "--val-size".
std::string flag_of(const std::string& key);
// A sentence of the library with its settings named as flags: setting "val_size" is --val-size.
std::string name_flags(const std::string& sentence);

// The settings in a table of config.toml that are not the usual ones, as flags of a verb that this
// one names as the next: " --size 32". That verb decides for itself how long it takes, which images
// train, and where they are. "" without any.
std::string next_flags(const ExperimentSettings& settings, Verbs verb, const std::string& table);

// " --plugin FILE" for a command that this verb names as the next one, where it used a plugin: the
// command meets the plugin's ops too. "" without one.
std::string plugin_flag(const ExperimentSettings& settings);

// The progress of a verb on the terminal.
class VerbProgress : public TerminalProgress {
 public:
  using TerminalProgress::TerminalProgress;
  void line(const std::string& text) override { TerminalProgress::line(name_flags(text)); }
};

}  // namespace popaug::cli

#endif  // POPAUG_CLI_SETTINGS_FLAGS_H_
