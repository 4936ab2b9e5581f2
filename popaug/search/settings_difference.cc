#include "popaug/search/internal/settings_difference.h"

namespace popaug {
namespace {

constexpr size_t kLongestValue = 60;

std::string shortened(const Json& value) {
  std::string text = json_line(value);
  if (text.size() <= kLongestValue) return text;
  text.resize(kLongestValue);
  text.append("...");
  return text;
}

// `path` leads to the two values.
std::string difference(const Json& before, const Json& now, const std::string& path) {
  if (!before.is_object() || !now.is_object()) {
    if (before == now) return "";
    return path + " (was " + shortened(before) + ", is now " + shortened(now) + ")";
  }
  const auto inner = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  for (const auto& [key, value] : before.items()) {
    if (!now.contains(key)) return inner(key) + " (was " + json_line(value) + ", is now absent)";
    std::string found = difference(value, now.at(key), inner(key));
    if (!found.empty()) return found;
  }
  for (const auto& [key, value] : now.items()) {
    if (!before.contains(key)) {
      return inner(key) + " (was absent, is now " + json_line(value) + ")";
    }
  }
  return "";
}

}  // namespace

std::string first_difference(const Json& before, const Json& now) {
  return difference(before, now, "");
}

}  // namespace popaug
