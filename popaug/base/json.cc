#include "popaug/base/json.h"

#include <cmath>
#include <set>

#include "popaug/base/error.h"
#include "popaug/base/file.h"
#include "popaug/base/text.h"

namespace popaug {
namespace {

struct Position {
  size_t line = 1, column = 1;
};

Position position_of(std::string_view text, size_t byte) {
  Position at;
  for (size_t i = 0; i < std::min(byte, text.size()); ++i) {
    if (text[i] == '\n') {
      ++at.line;
      at.column = 1;
    } else {
      ++at.column;
    }
  }
  return at;
}

std::string plain_reason(const std::string& what) {
  // "[json.exception.parse_error.101] parse error at line 1, column 2: reason"
  const size_t colon = what.find(": ");
  return colon == what.npos ? what : what.substr(colon + 2);
}

}  // namespace

Json parse_json(std::string_view text, std::string_view origin, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    throw Error(std::string(origin) + " has " + std::to_string(text.size()) +
                " bytes, more than the " + std::to_string(limits.bytes) + " that are read here");
  }
  std::vector<std::set<std::string>> keys;
  std::string fault;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > limits.depth && fault.empty()) {
      fault = "nested more than " + std::to_string(limits.depth) + " deep";
    }
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && fault.empty() &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      fault = "the key " + quote(parsed.get<std::string>()) + " stands twice in one object";
    }
    return fault.empty();
  };
  // The parser recurses nowhere, but values of great depth would when they are destroyed.
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > limits.depth) {
        throw Error(std::string(origin) + ": nested more than " + std::to_string(limits.depth) +
                    " deep");
      }
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  try {
    Json value = Json::parse(text.begin(), text.end(), watch);
    if (!fault.empty()) throw Error(std::string(origin) + ": " + fault);
    return value;
  } catch (const Json::parse_error& error) {
    const Position at = position_of(text, error.byte > 0 ? error.byte - 1 : 0);
    throw Error(std::string(origin) + ": line " + std::to_string(at.line) + ", column " +
                std::to_string(at.column) + ": " + plain_reason(error.what()));
  } catch (const Json::exception& error) {
    throw Error(std::string(origin) + ": " + plain_reason(error.what()));
  }
}

Json read_json(const std::filesystem::path& path, const JsonLimits& limits) {
  return parse_json(read_file(path, limits.bytes), show_path(path), limits);
}

std::string json_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_pretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

JsonReader::JsonReader(const Json& value, std::string origin)
    : value_(value), origin_(std::move(origin)) {
  if (!value.is_object()) {
    throw Error(origin_ + ": expected an object, found " + std::string(value.type_name()));
  }
}

bool JsonReader::has(const std::string& key) {
  known_.push_back(key);
  return value_.contains(key);
}

const Json& JsonReader::any(const std::string& key) {
  known_.push_back(key);
  const auto it = value_.find(key);
  if (it == value_.end()) throw Error(origin_ + ": the field " + quote(key) + " is missing");
  return *it;
}

void JsonReader::fail(const std::string& key, const std::string& sentence) const {
  throw Error(origin_ + ": " + key + ": " + sentence);
}

const Json& JsonReader::array(const std::string& key) {
  const Json& field = any(key);
  if (!field.is_array()) fail(key, "expected a list, found " + std::string(field.type_name()));
  return field;
}

const Json& JsonReader::object(const std::string& key) {
  const Json& field = any(key);
  if (!field.is_object()) fail(key, "expected an object, found " + std::string(field.type_name()));
  return field;
}

std::string JsonReader::text(const std::string& key) {
  const Json& field = any(key);
  if (!field.is_string()) fail(key, "expected a text, found " + std::string(field.type_name()));
  return field.get<std::string>();
}

bool JsonReader::boolean(const std::string& key) {
  const Json& field = any(key);
  if (!field.is_boolean()) {
    fail(key, "expected true or false, found " + std::string(field.type_name()));
  }
  return field.get<bool>();
}

double JsonReader::number(const std::string& key, double low, double high) {
  const Json& field = any(key);
  if (!field.is_number()) fail(key, "expected a number, found " + std::string(field.type_name()));
  const double value = field.get<double>();
  if (!std::isfinite(value) || value < low || value > high) {
    fail(key, number_text(value) + " is not in " + number_text(low) + " .. " + number_text(high));
  }
  return value;
}

int64_t JsonReader::integer(const std::string& key, int64_t low, int64_t high) {
  const Json& field = any(key);
  const bool whole =
      field.is_number_integer() ||
      (field.is_number_float() && std::trunc(field.get<double>()) == field.get<double>());
  if (!whole) fail(key, "expected a whole number, found " + json_line(field));
  const bool fits = field.is_number_unsigned()
                        ? high >= 0 && field.get<uint64_t>() <= static_cast<uint64_t>(high)
                        : field.get<double>() >= -9.2e18 && field.get<double>() <= 9.2e18;
  const int64_t value = fits ? field.get<int64_t>() : 0;
  if (!fits || value < low || value > high) {
    fail(key,
         json_line(field) + " is not in " + std::to_string(low) + " .. " + std::to_string(high));
  }
  return value;
}

uint64_t JsonReader::unsigned64(const std::string& key) {
  const Json& field = any(key);
  if (!field.is_number_unsigned()) {
    fail(key, "expected a whole number of at least 0, found " + json_line(field));
  }
  return field.get<uint64_t>();
}

std::string JsonReader::text_or(const std::string& key, const std::string& fallback) {
  return has(key) ? text(key) : fallback;
}
bool JsonReader::boolean_or(const std::string& key, bool fallback) {
  return has(key) ? boolean(key) : fallback;
}
double JsonReader::number_or(const std::string& key, double low, double high, double fallback) {
  return has(key) ? number(key, low, high) : fallback;
}
int64_t JsonReader::integer_or(const std::string& key, int64_t low, int64_t high,
                               int64_t fallback) {
  return has(key) ? integer(key, low, high) : fallback;
}

void JsonReader::finish() const {
  for (const auto& [key, field] : value_.items()) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      throw Error(origin_ + ": " + unknown_name("key", key, known_));
    }
  }
}

}  // namespace popaug
