#include "cli/run_folder.h"

namespace popaug::cli {

void start_or_resume(SettingsFlags& flags, const fs::path& out, bool resume,
                     const RunWords& words) {
  const fs::path config = out / "config.toml";
  if (resume) {
    if (!fs::exists(config)) {
      throw UsageError(std::string("--resume: there is no ") + words.missing + " in " +
                       show_path(out) + " (no config.toml); leave --resume out to start one");
    }
    flags.start_from(config);
  } else if (fs::exists(out / words.mark)) {
    throw UsageError(show_path(out) + " holds a " + words.present +
                     " already: add --resume to continue it, or choose another --out");
  }
}

void forget_preset_length(Settings& settings, const std::map<std::string, std::string>& origins) {
  const auto epochs = origins.find("training.epochs");
  if (epochs != origins.end() && epochs->second.starts_with("preset ")) settings.epochs = 0;
}

}  // namespace popaug::cli
