#include "cli/settings.h"

#include <charconv>
#include <cmath>
#include <set>

#include "cli/settings_table.h"

namespace popaug::cli {
namespace {

std::vector<const SettingRow*> rows_of(VerbSet verb) {
  std::vector<const SettingRow*> rows;
  for (const SettingRow& row : setting_rows()) {
    if (row.verbs & verb) rows.push_back(&row);
  }
  return rows;
}

[[noreturn]] void refuse(const std::string& where, const std::string& sentence) {
  throw UsageError(where + ": " + sentence);
}

void check_number(const SettingRow& row, double value, const std::string& where) {
  if (!std::isfinite(value) || value < row.low || value > row.high) {
    refuse(where, number_text(value) + " is not in " + number_text(row.low) + " .. " +
                      number_text(row.high));
  }
}

void check_choice(const SettingRow& row, const std::string& value, const std::string& where) {
  if (row.choices.empty()) return;
  for (const std::string& choice : row.choices) {
    if (choice == value) return;
  }
  refuse(where, unknown_name("value", value, row.choices));
}

// Sets one key from a TOML value.
void set_value(Settings& settings, const SettingRow& row, const Json& value,
               const std::string& where) {
  const auto wrong_type = [&](const char* expected) {
    refuse(where, "expected " + std::string(expected) + ", found " + json_line(value));
  };
  std::visit(
      [&](auto member) {
        using T = std::decay_t<decltype(settings.*member)>;
        if constexpr (std::is_same_v<T, std::string>) {
          if (!value.is_string()) wrong_type("a text");
          check_choice(row, value.get<std::string>(), where);
          settings.*member = value.get<std::string>();
        } else if constexpr (std::is_same_v<T, bool>) {
          if (!value.is_boolean()) wrong_type("true or false");
          settings.*member = value.get<bool>();
        } else if constexpr (std::is_same_v<T, int64_t>) {
          if (!value.is_number_integer()) wrong_type("a whole number");
          check_number(row, value.get<double>(), where);
          settings.*member = value.get<int64_t>();
        } else {
          if (!value.is_number()) wrong_type("a number");
          check_number(row, value.get<double>(), where);
          settings.*member = value.get<double>();
        }
      },
      row.member);
}

// The text of a flag as the TOML value of its key's type.
Json value_of_flag(const SettingRow& row, const std::string& text) {
  const std::string where = row.flag();
  return std::visit(
      [&](auto member) -> Json {
        using T = std::decay_t<decltype(Settings().*member)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return text;
        } else if constexpr (std::is_same_v<T, bool>) {
          if (text == "true" || text == "1" || text.empty()) return true;
          if (text == "false" || text == "0") return false;
          refuse(where, "expected true or false, found " + quote(text));
        } else {
          T number{};
          const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
          if (code != std::errc() || end != text.data() + text.size()) {
            const char* kind = std::is_same_v<T, double> ? "a number" : "a whole number";
            refuse(where, "expected " + std::string(kind) + ", found " + quote(text));
          }
          return number;
        }
      },
      row.member);
}

Json get_value(const Settings& settings, const SettingRow& row) {
  return std::visit([&](auto member) -> Json { return settings.*member; }, row.member);
}

// Applies a TOML text. Keys of other verbs are left aside, so that one file serves all; a key that
// no verb knows is refused.
void apply_toml(Settings& settings, const std::string& text, const std::string& origin,
                VerbSet verb, std::map<std::string, std::string>* origin_of) {
  Json file;
  try {
    file = parse_toml(text, origin);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  std::vector<std::string> tables, keys;
  for (const SettingRow& row : setting_rows()) {
    if (tables.empty() || tables.back() != row.table) tables.push_back(row.table);
    keys.push_back(std::string(row.table) + "." + row.key);
  }
  for (const auto& [table, content] : file.items()) {
    if (!content.is_object()) {
      refuse(origin, "the key " + quote(table) + " stands outside a table; the tables are " +
                         join(tables, ", "));
    }
    if (std::find(tables.begin(), tables.end(), table) == tables.end()) {
      refuse(origin, unknown_name("table", table, tables));
    }
    for (const auto& [key, value] : content.items()) {
      const std::string name = table + "." + key;
      const auto it = std::find(keys.begin(), keys.end(), name);
      if (it == keys.end()) refuse(origin, unknown_name("key", name, keys));
      const SettingRow& row = setting_rows()[it - keys.begin()];
      if (!(row.verbs & verb)) continue;
      set_value(settings, row, value, origin + ": " + name);
      if (origin_of != nullptr) (*origin_of)[name] = origin;
    }
  }
}

// Searches and audits take the fast kernels: docs/decisions/conv-fast.md.
Settings defaults_of(VerbSet verb) {
  Settings settings;
  if (verb & (kSearchVerb | kAuditVerb)) settings.conv = "fast";
  return settings;
}

// Rounds and epochs are two words for one length.
void settle_length(Settings& s, VerbSet verb) {
  if (!(verb & (kSearchVerb | kCompareVerb)) || s.rounds == 0) return;
  const int64_t epochs = s.rounds * s.epochs_per_round;
  const int64_t rounds_of_epochs = (s.epochs + s.epochs_per_round - 1) / s.epochs_per_round;
  if (s.epochs != 0 && rounds_of_epochs != s.rounds) {
    throw UsageError("--rounds " + std::to_string(s.rounds) + " of " +
                     std::to_string(s.epochs_per_round) + " epochs is not --epochs " +
                     std::to_string(s.epochs) + ": give one of them");
  }
  if (s.epochs == 0) s.epochs = epochs;
}

}  // namespace

void check_scaled_decoding(bool scaled, const std::string& size) {
  if (!scaled || !size.empty()) return;
  throw UsageError("--scaled-decoding decodes towards a size: give --size too");
}

void SettingsFlags::add_flags(CLI::App& app) {
  app.add_option("--preset", preset_, "Settings to start from: " + join(preset_names(), ", "));
  app.add_option("--config", config_, "A TOML file of settings; flags override it");
  for (const SettingRow* row : rows_of(verb_)) {
    const std::string key = std::string(row->table) + "." + row->key;
    const auto keep = [this, key](const std::string& text) { given_[key] = text; };
    std::string help = row->help;
    if (!row->choices.empty()) help += " (" + join(row->choices, ", ") + ")";
    CLI::Option* option;
    if (std::holds_alternative<bool Settings::*>(row->member)) {
      option = app.add_flag_function(
          row->flag(), [this, key](int64_t count) { given_[key] = count > 0 ? "true" : "false"; },
          help);
    } else {
      option = app.add_option_function<std::string>(row->flag(), keep, help);
      option->type_name(std::holds_alternative<std::string Settings::*>(row->member) ? "TEXT"
                                                                                     : "N");
    }
    option->group(row->table);
  }
}

void SettingsFlags::start_from(const fs::path& config) {
  if (config_.empty() && preset_.empty()) config_ = config;
}

Settings SettingsFlags::resolve(std::map<std::string, std::string>* origin_of) const {
  Settings settings = defaults_of(verb_);
  if (!preset_.empty()) {
    apply_toml(settings, preset_toml(preset_), "preset " + preset_, verb_, origin_of);
  }
  if (!config_.empty()) {
    apply_toml(settings, read_file(config_, 1 << 20), config_, verb_, origin_of);
  }
  // A length given by a flag replaces the other word for it.
  if (given_.contains("search.rounds") && !given_.contains("training.epochs")) settings.epochs = 0;
  if (given_.contains("training.epochs") && !given_.contains("search.rounds")) settings.rounds = 0;
  if (given_.contains("search.epochs_per_round") && settings.rounds != 0 &&
      !given_.contains("training.epochs")) {
    settings.epochs = 0;
  }
  for (const SettingRow* row : rows_of(verb_)) {
    const std::string key = std::string(row->table) + "." + row->key;
    const auto it = given_.find(key);
    if (it == given_.end()) continue;
    set_value(settings, *row, value_of_flag(*row, it->second), row->flag());
    if (origin_of != nullptr) (*origin_of)[key] = row->flag();
  }
  settle_length(settings, verb_);
  return settings;
}

std::string settings_toml(const Settings& settings, VerbSet verb) {
  Json file = Json::object();
  for (const SettingRow* row : rows_of(verb))
    file[row->table][row->key] = get_value(settings, *row);
  return to_toml(file);
}

Settings settings_from_toml(const std::string& text, const std::string& origin, VerbSet verb) {
  Settings settings = defaults_of(verb);
  apply_toml(settings, text, origin, verb, nullptr);
  settle_length(settings, verb);
  return settings;
}

}  // namespace popaug::cli
