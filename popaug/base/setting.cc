#include "popaug/base/setting.h"

#include <algorithm>

#include "popaug/base/error.h"
#include "popaug/base/internal/range.h"
#include "popaug/base/text.h"

namespace popaug {

std::string name_setting(std::string_view key) { return "setting " + quote(key); }

std::vector<std::string> Setting::choice_names() const {
  std::vector<std::string> names;
  for (const char* choice : choices) {
    if (choice != nullptr) names.emplace_back(choice);
  }
  return names;
}

void check_setting(const Setting& setting, SettingKind kind, const Json& value,
                   const std::string& where) {
  const auto refuse = [&](const std::string& sentence) {
    throw UsageError(where + ": " + sentence);
  };
  const auto expect = [&](bool right, const char* expected) {
    if (!right) refuse("expected " + std::string(expected) + ", found " + json_line(value));
  };
  if (kind == SettingKind::kSwitch) return expect(value.is_boolean(), "true or false");
  if (kind == SettingKind::kText || kind == SettingKind::kChoice) {
    expect(value.is_string(), "a text");
    const std::vector<std::string> names = setting.choice_names();
    const std::string name = value.get<std::string>();
    if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      refuse(unknown_name("value", name, names));
    }
    return;
  }
  if (kind == SettingKind::kWhole) expect(value.is_number_integer(), "a whole number");
  if (kind == SettingKind::kNumber) expect(value.is_number(), "a number");
  const std::string fault = range_fault(value.get<double>(), setting.low, setting.high);
  if (!fault.empty()) refuse(fault);
}

}  // namespace popaug
