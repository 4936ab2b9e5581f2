// For tests: settings from words as on a command line.
#ifndef POPAUG_EXPERIMENT_RESOLVE_TEST_H_
#define POPAUG_EXPERIMENT_RESOLVE_TEST_H_

#include <algorithm>
#include <string>
#include <vector>

#include "popaug/experiment/settings.h"

namespace popaug {

// "--lr 0.1 --async": pairs of a flag and its text; a switch stands alone.
inline ExperimentSettings resolve_words(Verbs verb, const std::vector<std::string>& words) {
  SettingSources sources;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string key = words[i].substr(2);
    std::replace(key.begin(), key.end(), '-', '_');
    if (key == "preset") {
      sources.preset = words[++i];
      continue;
    }
    if (key == "config") {
      sources.config = words[++i];
      continue;
    }
    const std::vector<ExperimentRow>& rows = experiment_rows();
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const ExperimentRow& each) {
      return each.setting.key == key;
    });
    if (row != rows.end() && row->kind == SettingKind::kSwitch) {
      sources.values[key] = true;
    } else if (row != rows.end() &&
               (row->kind == SettingKind::kWhole || row->kind == SettingKind::kNumber)) {
      sources.values[key] = parse_json(words[++i], key);
    } else {
      sources.values[key] = words[++i];
    }
  }
  return resolve_settings(verb, sources);
}

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_RESOLVE_TEST_H_
