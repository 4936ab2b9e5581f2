#include "popaug/experiment/settings.h"

#include <algorithm>

#include "popaug/search/setting_rows.h"
#include "popaug/train/setting_rows.h"

namespace popaug {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& sentence) {
  throw UsageError(where + ": " + sentence);
}

bool knows(Verbs verb, const ExperimentRow& row) { return (row.setting.verbs & verb) != 0; }

const ExperimentRow* find_row(const std::string& key) {
  for (const ExperimentRow& row : experiment_rows()) {
    if (row.setting.key == key) return &row;
  }
  return nullptr;
}

// Defaults that differ from those of the structs, for all verbs or for some.
struct Default {
  unsigned verbs;
  const char* key;
  Json value;
};
const std::vector<Default>& other_defaults() {
  static const std::vector<Default> list = {
      {kAllVerbs, "device", "auto"},
      {kAllVerbs, "flip", 0.5},
      {kAllVerbs, "pad", 4},
      {kAllVerbs, "cutout", 16},
      // Enough to tell ops apart in minutes.
      {kAuditVerb, "network", "wrn-10-1"},
      {kAuditVerb, "batch", 64},
  };
  return list;
}

ExperimentSettings defaults_of(Verbs verb) {
  ExperimentSettings settings;
  for (const Default& other : other_defaults()) {
    if (other.verbs & verb) find_row(other.key)->put(settings, other.value);
  }
  return settings;
}

void set_value(ExperimentSettings& settings, const ExperimentRow& row, const Json& value,
               const std::string& where) {
  check_setting(row.setting, row.kind, value, where);
  row.put(settings, value);
}

// The length in a preset is that of a search or a final training, which a verb of many short
// trainings does not mean.
bool means_length(Verbs verb) { return !(verb & kAuditVerb); }

// The row of [table] key. Throws UsageError for names that no verb knows.
const ExperimentRow& row_of(const std::string& table, const std::string& key,
                            const std::string& origin) {
  std::vector<std::string> names;
  for (const ExperimentRow& row : experiment_rows()) {
    names.push_back(row.name());
    if (names.back() == table + "." + key) return row;
  }
  refuse(origin, unknown_name("key", table + "." + key, names));
}

void check_table(const std::string& table, bool is_table, const std::string& origin) {
  std::vector<std::string> tables;
  for (const ExperimentRow& row : experiment_rows()) {
    if (tables.empty() || tables.back() != row.setting.table) tables.push_back(row.setting.table);
  }
  if (!is_table) {
    refuse(origin,
           "the key " + quote(table) + " is outside a table; the tables are " + join(tables, ", "));
  }
  if (std::find(tables.begin(), tables.end(), table) == tables.end()) {
    refuse(origin, unknown_name("table", table, tables));
  }
}

// Applies a TOML text. Keys of other verbs are left aside, so that one file serves all.
void apply_toml(ExperimentSettings& settings, const std::string& text, const std::string& origin,
                Verbs verb, bool is_preset) {
  Json file;
  try {
    file = parse_toml(text, origin);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  for (const auto& [table, content] : file.items()) {
    check_table(table, content.is_object(), origin);
    for (const auto& [key, value] : content.items()) {
      const ExperimentRow& row = row_of(table, key, origin);
      if (!knows(verb, row)) continue;
      if (is_preset && key == "epochs" && !means_length(verb)) continue;
      set_value(settings, row, value, origin + ": " + row.name());
      if (!is_preset) settings.given.insert(key);
    }
  }
}

void check_keys(const Json& values, Verbs verb) {
  std::vector<std::string> known;
  for (const ExperimentRow& row : experiment_rows()) {
    if (knows(verb, row)) known.emplace_back(row.setting.key);
  }
  for (const auto& [key, value] : values.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw UsageError(unknown_name("setting", key, known));
    }
  }
}

// A length given as a value replaces the other word for it from a file.
void forget_other_length(ExperimentSettings& s, const Json& values) {
  const bool rounds = values.contains("rounds"), epochs = values.contains("epochs");
  if (rounds && !epochs) s.epochs = 0;
  if (epochs && !rounds) s.rounds = 0;
  if (values.contains("epochs_per_round") && s.rounds != 0 && !epochs) s.epochs = 0;
}

// Rounds and epochs are two words for one length.
void settle_length(ExperimentSettings& s, Verbs verb) {
  if (!(verb & kSearchAndCompare) || s.rounds == 0) return;
  const int64_t length = s.search.epochs_per_round;
  if (s.epochs != 0 && (s.epochs + length - 1) / length != s.rounds) {
    throw UsageError(name_setting("rounds") + " " + std::to_string(s.rounds) + " of " +
                     std::to_string(length) + " epochs is not " + name_setting("epochs") + " " +
                     std::to_string(s.epochs) + ": give one of them");
  }
  if (s.epochs == 0) s.epochs = s.rounds * length;
}

// Whether a search of this method takes the setting: a screening what `choose` takes, a population
// all but what belongs to screenings alone.
bool takes(const std::string& method, const ExperimentRow& row) {
  const bool choose = knows(kChooseVerb, row), train = knows(kTrainVerb, row);
  if (method == "screen") return choose || row.setting.key == std::string("method");
  return train || !choose;
}

// A value that the method does not read is refused. (A file may have it: one file serves all.)
void check_method(const ExperimentSettings& settings, const Json& values) {
  const std::string& method = settings.method;
  const std::string other = method == "screen" ? "pba" : "screen";
  for (const auto& [key, value] : values.items()) {
    if (takes(method, *find_row(key))) continue;
    throw UsageError(name_setting(key) + " belongs to " + name_setting("method") + " " + other +
                     "; the method of this search is " + method + ": leave it out, or give " +
                     name_setting("method") + " " + other);
  }
}

}  // namespace

ExperimentSettings resolve_settings(Verbs verb, const SettingSources& sources) {
  ExperimentSettings settings = defaults_of(verb);
  if (!sources.preset.empty()) {
    apply_toml(settings, preset_toml(sources.preset), "preset " + sources.preset, verb, true);
    settings.published = is_paper_preset(sources.preset);
  }
  if (!sources.config.empty()) {
    apply_toml(settings, read_file(sources.config, 1 << 20), sources.config, verb, false);
  }
  forget_other_length(settings, sources.values);
  check_keys(sources.values, verb);
  for (const ExperimentRow& row : experiment_rows()) {
    const char* key = row.setting.key;
    if (!sources.values.contains(key)) continue;
    set_value(settings, row, sources.values.at(key), name_setting(key));
    settings.given.insert(key);
  }
  if (verb & kSearchVerb) check_method(settings, sources.values);
  settle_length(settings, verb);
  return settings;
}

std::string resolved_preset(const std::string& name, Verbs verb) {
  return settings_toml(resolve_settings(verb, {name, "", Json::object()}), verb);
}

std::string settings_toml(const ExperimentSettings& settings, Verbs verb) {
  Json file = Json::object();
  for (const ExperimentRow& row : experiment_rows()) {
    if (knows(verb, row)) file[row.setting.table][row.setting.key] = row.get(settings);
  }
  return to_toml(file);
}

ExperimentSettings settings_from_toml(const std::string& text, const std::string& origin,
                                      Verbs verb) {
  ExperimentSettings settings = defaults_of(verb);
  apply_toml(settings, text, origin, verb, false);
  settle_length(settings, verb);
  return settings;
}

Json trainer_json(const ExperimentSettings& settings) {
  const TrainSettings& s = settings.train;
  Json json = {{"network", s.network}, {"model", s.model}, {"init", s.init}};
  json.update(training_record(s));
  json["mixed_precision"] = s.mixed_precision;
  return json;
}

void check_scaled_decoding(bool scaled, const std::string& size) {
  if (!scaled || !size.empty()) return;
  throw UsageError(name_setting("scaled_decoding") + " decodes towards a size: give " +
                   name_setting("size") + " too");
}

void check_fit(const std::string& fit, const std::string& size) {
  if (parse_fit(fit) == Fit::kStretch || !size.empty()) return;
  throw UsageError(name_setting("fit") + " " + fit + " needs a size: give " + name_setting("size") +
                   " too");
}

}  // namespace popaug
