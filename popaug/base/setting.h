// A setting as a row: its key, what it means, what it may be, and where its value lies.
//
// The rooms train and search list the rows of their settings beside the structs that hold the
// values. Checks, records, flags, config files and searched genes all read these rows, so each
// range and each help text is written once.
#ifndef POPAUG_BASE_SETTING_H_
#define POPAUG_BASE_SETTING_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "popaug/base/json.h"

namespace popaug {

// The kinds of experiment; a setting belongs to one or more of them.
enum Verbs : unsigned {
  kSearchVerb = 1,
  kTrainVerb = 2,
  kCompareVerb = 4,
  kAuditVerb = 8,
  kChooseVerb = 16,
  kAllVerbs = 31
};

enum class SettingKind { kText, kWhole, kNumber, kSwitch, kChoice };

// Where a setting of the struct S lies. Values cross as JSON: a text, a number, true or false; a
// choice crosses as its place in the list of choices.
template <typename S>
struct SettingPlace {
  SettingKind kind;
  Json (*get)(const S& settings);
  void (*put)(S& settings, const Json& value);
};

// The place of a member, or of a member of a member: setting_at<&SearchSettings::explore,
// &ExploreRates::reset>.
template <auto First, auto... Rest>
struct SettingAt {
  template <typename S, typename T>
  static S owner(T S::*);
  using Owner = decltype(owner(First));

  template <typename S>
  static auto& value(S& settings) {
    if constexpr (sizeof...(Rest) == 0) {
      return settings.*First;
    } else {
      return SettingAt<Rest...>::value(settings.*First);
    }
  }
  using Value = std::remove_reference_t<decltype(value(std::declval<Owner&>()))>;

  static constexpr SettingKind kind() {
    if constexpr (std::is_same_v<Value, std::string>) return SettingKind::kText;
    if constexpr (std::is_same_v<Value, bool>) return SettingKind::kSwitch;
    if constexpr (std::is_integral_v<Value> && !std::is_same_v<Value, bool>) {
      return SettingKind::kWhole;
    }
    if constexpr (std::is_floating_point_v<Value>) return SettingKind::kNumber;
    if constexpr (std::is_enum_v<Value>) return SettingKind::kChoice;
  }
  static Json get(const Owner& settings) {
    if constexpr (std::is_enum_v<Value>) {
      return static_cast<int>(value(settings));
    } else {
      return value(settings);
    }
  }
  static void put(Owner& settings, const Json& json) {
    if constexpr (std::is_enum_v<Value>) {
      value(settings) = static_cast<Value>(json.get<int>());
    } else {
      value(settings) = json.get<Value>();
    }
  }
};

template <auto First, auto... Rest>
inline constexpr SettingPlace<typename SettingAt<First, Rest...>::Owner> setting_at = {
    SettingAt<First, Rest...>::kind(), &SettingAt<First, Rest...>::get,
    &SettingAt<First, Rest...>::put};

// How a message of the library names a setting: setting "val_size". The program shows it to its
// user as the flag --val-size.
std::string name_setting(std::string_view key);

// What is said of a setting, wherever it lies.
struct Setting {
  const char* table;  // of config.toml
  const char* key;    // unique among all settings
  const char* help;
  double low = 0, high = 0;              // of numbers: the closed range
  std::array<const char*, 4> choices{};  // of texts: the words allowed; none: any text
  unsigned verbs = kAllVerbs;

  std::vector<std::string> choice_names() const;
};

// Throws UsageError "where: ..." if the value is not of the kind, outside the range, or none of the
// choices. A choice is given by its name here.
void check_setting(const Setting& setting, SettingKind kind, const Json& value,
                   const std::string& where);

// Which records of a run hold a setting: those that a resumed run must equal. A new setting is
// recorded only where it is not the default, so that runs from before it can be resumed.
enum class Recorded { kIfSet, kAlways, kElsewhere };

// Whether a search may vary a setting beside the policy, and in which steps.
enum class Searched { kNo, kLinear, kLogarithm };

// A row: a setting and its place in S.
template <typename S>
struct SettingRow {
  SettingPlace<S> at;
  Setting setting;
  Recorded recorded = Recorded::kIfSet;
  Searched searched = Searched::kNo;

  // The value; a choice by its name.
  Json get(const S& settings) const {
    Json value = at.get(settings);
    if (at.kind != SettingKind::kChoice) return value;
    return setting.choices[value.get<size_t>()];
  }
  // Takes a value that check_setting() accepts.
  void put(S& settings, const Json& value) const {
    if (at.kind != SettingKind::kChoice) return at.put(settings, value);
    size_t place = 0;
    while (value.get<std::string>() != setting.choices[place]) ++place;
    at.put(settings, place);
  }
  // Throws UsageError if the value in `settings` is not allowed.
  void check(const S& settings) const {
    check_setting(setting, at.kind, get(settings), name_setting(setting.key));
  }
};

}  // namespace popaug

#endif  // POPAUG_BASE_SETTING_H_
