#include "cli/settings_flags.h"

#include <algorithm>
#include <charconv>
#include <regex>
#include <set>

#include "cli/help.h"

namespace popaug::cli {
namespace {

// The settings that most people need; --help shows these, --help-all the others too.
const std::set<std::string> kCommon = {
    "data",     "size",    "keep_going", "split",   "train_size", "val_size", "all_labels",
    "network",  "epochs",  "batch",      "lr",      "flip",       "pad",      "cutout",
    "schedule", "augment", "population", "genes",   "ops",        "metric",   "epochs_per_round",
    "levels",   "seeds",   "seed",       "workers", "device",     "init",
};

// For the help. Without the data files of popaug there is none; --preset then says why.
std::string preset_list() {
  try {
    std::vector<std::string> names = preset_names();
    std::erase_if(names, is_paper_preset);
    return ": " + join(names, ", ") +
           "; 'popaug presets' says what each is for, and lists those of the paper";
  } catch (const Error&) {
    return "";
  }
}

template <typename Number>
Json parse_number(const std::string& text, const std::string& flag, const char* expected) {
  Number number{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) {
    throw UsageError(flag + ": expected " + expected + ", found " + quote(text));
  }
  return number;
}

// The text of a flag as a value of the setting's kind.
Json value_of(const ExperimentRow& row, const std::string& text) {
  const std::string flag = flag_of(row.setting.key);
  if (row.kind == SettingKind::kSwitch) return text == "true";
  if (row.kind == SettingKind::kWhole) return parse_number<int64_t>(text, flag, "a whole number");
  if (row.kind == SettingKind::kNumber) return parse_number<double>(text, flag, "a number");
  return text;
}

}  // namespace

std::string flag_of(const std::string& key) {
  std::string flag = "--" + key;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string name_flags(const std::string& sentence) {
  static const std::regex setting("setting \"([a-z_]+)\"");
  std::string named;
  auto rest = sentence.cbegin();
  for (std::sregex_iterator it(sentence.begin(), sentence.end(), setting), end; it != end; ++it) {
    named.append(rest, (*it)[0].first);
    named += flag_of((*it)[1]);
    rest = (*it)[0].second;
  }
  return named.append(rest, sentence.cend());
}

std::string next_flags(const ExperimentSettings& settings, Verbs verb, const std::string& table) {
  static const std::set<std::string> own = {"data",     "split",      "train_size",
                                            "val_size", "all_labels", "epochs"};
  const ExperimentSettings usual;
  std::string flags;
  for (const ExperimentRow& row : experiment_rows()) {
    const Setting& setting = row.setting;
    const Json value = row.get(settings);
    // A batch of the default's size is named where it was asked for: without it a small set has a
    // smaller one.
    const bool chosen = setting.key == std::string("batch") &&
                        (settings.published || settings.given.contains("batch"));
    if (setting.table != table || (setting.verbs & verb) == 0 || own.contains(setting.key) ||
        (value == row.get(usual) && !chosen)) {
      continue;
    }
    flags += " " + flag_of(setting.key);
    if (value.is_string()) flags += " " + shell_quote(value.get<std::string>());
    if (value.is_number()) flags += " " + number_text(value.get<double>());
  }
  return flags;
}

std::string plugin_flag(const ExperimentSettings& settings) {
  return settings.plugin.empty() ? "" : " --plugin " + shell_path(settings.plugin);
}

void SettingsFlags::add_flags(CLI::App& app) {
  app.add_option("--preset", preset_, "Settings to start from" + preset_list());
  app.add_option("--config", config_, "A TOML file of settings; flags override it");
  const ExperimentSettings defaults = resolve_settings(verb_, {});
  for (const ExperimentRow& row : experiment_rows()) {
    if (!(row.setting.verbs & verb_)) continue;
    const std::string key = row.setting.key, flag = flag_of(key);
    std::string help = name_flags(row.setting.help);
    if (const auto names = row.setting.choice_names(); !names.empty()) {
      help += " (" + join(names, ", ") + ")";
    }
    CLI::Option* option;
    if (row.kind == SettingKind::kSwitch) {
      option = app.add_flag_function(
          flag, [this, key](int64_t count) { texts_[key] = count > 0 ? "true" : "false"; }, help);
    } else {
      option = app.add_option_function<std::string>(
          flag, [this, key](const std::string& text) { texts_[key] = text; }, help);
      const bool number = row.kind == SettingKind::kWhole || row.kind == SettingKind::kNumber;
      option->type_name(number ? "N" : "TEXT");
      const Json value = row.get(defaults);
      option->default_str(value.is_string()         ? value.get<std::string>()
                          : value.is_number_float() ? number_text(value.get<double>())
                                                    : json_line(value));
    }
    // Of a search, another verb needs settings only for arms that search.
    const bool common = kCommon.contains(key) &&
                        (verb_ == kSearchVerb || row.setting.table != std::string("search"));
    option->group(common ? row.setting.table : rare_group(row.setting.table));
  }
}

SettingSources SettingsFlags::sources() const {
  SettingSources sources{preset_, config_, Json::object()};
  for (const ExperimentRow& row : experiment_rows()) {
    const auto it = texts_.find(row.setting.key);
    if (it != texts_.end()) sources.values[it->first] = value_of(row, it->second);
  }
  return sources;
}

}  // namespace popaug::cli
