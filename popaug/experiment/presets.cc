// Presets are files of settings that come with the program: data/presets/NAME.toml.
#include <algorithm>

#include "popaug/experiment/settings.h"

namespace popaug {

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(shipped_file("presets"))) {
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string preset_toml(const std::string& name) {
  const std::vector<std::string> names = preset_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    throw UsageError(name_setting("preset") + ": " + unknown_name("preset", name, names));
  }
  return read_file(shipped_file("presets/" + name + ".toml"), 1 << 20);
}

std::string preset_purpose(const std::string& name) {
  const std::string text = preset_toml(name);
  return text.starts_with("# ") ? text.substr(2, text.find('\n') - 2) : "";
}

bool is_paper_preset(const std::string& name) { return name.starts_with("paper-"); }

}  // namespace popaug
