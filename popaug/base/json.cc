#include "popaug/base/json.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "popaug/base/error.h"
#include "popaug/base/file.h"
#include "popaug/base/internal/range.h"
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

// The library says "[json.exception.parse_error.101] parse error at line 1, column 2: reason".
std::string plain_reason(std::string_view what) {
  if (what.starts_with('[')) what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
  if (what.starts_with("parse error")) {
    what.remove_prefix(std::min(what.find(": ") + 2, what.size()));
  }
  return std::string(what);
}

using Fields = std::vector<std::pair<const std::string, Json>>;

// Makes the value from the parser's events. The library's own builder searches an object for every
// key that it adds, which takes quadratic time. Here a key is added at the end, and equal keys are
// found when the object ends. An event that breaks a limit stops the parser at once, so no value
// deeper than the limit ever exists: copying and destroying values recurse.
class Builder : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  Json root;
  std::string fault;      // why the text is refused, or empty
  size_t fault_byte = 0;  // how far the parser had read, from 1; 0: unknown

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(int64_t value) override { return add(value); }
  bool number_unsigned(uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(Json::binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_array() override {
    open_.pop_back();
    return true;
  }
  bool end_object() override {
    if (const std::string* twice = listed_twice(fields())) {
      return refuse("the key " + quote(*twice) + " is listed twice in one object");
    }
    open_.pop_back();
    return true;
  }
  bool key(std::string& name) override {
    fields().emplace_back(std::move(name), nullptr);
    return true;
  }
  bool parse_error(size_t byte, const std::string&, const Json::exception& error) override {
    fault_byte = byte;
    return refuse(plain_reason(error.what()));
  }

 private:
  Fields& fields() { return open_.back()->get_ref<Json::object_t&>(); }

  bool refuse(std::string why) {
    if (fault.empty()) fault = std::move(why);
    return false;
  }

  // Where the next value goes. The place keeps its address while it is open: only the innermost
  // open container grows.
  Json* place() {
    if (open_.empty()) return &root;
    if (open_.back()->is_object()) return &fields().back().second;
    auto& items = open_.back()->get_ref<Json::array_t&>();
    return &items.emplace_back();
  }

  bool add(Json value) {
    if (++values_ > limits_.values) {
      return refuse("more than " + std::to_string(limits_.values) + " values");
    }
    *place() = std::move(value);
    return true;
  }

  bool open(Json container) {
    if (open_.size() >= static_cast<size_t>(limits_.depth)) {
      return refuse("nested more than " + std::to_string(limits_.depth) + " deep");
    }
    if (++values_ > limits_.values) {
      return refuse("more than " + std::to_string(limits_.values) + " values");
    }
    Json* at = place();
    *at = std::move(container);
    open_.push_back(at);
    return true;
  }

  static const std::string* listed_twice(const Fields& fields) {
    std::vector<const std::string*> names;
    names.reserve(fields.size());
    for (const auto& field : fields) names.push_back(&field.first);
    std::sort(names.begin(), names.end(), [](auto* a, auto* b) { return *a < *b; });
    const auto twice =
        std::adjacent_find(names.begin(), names.end(), [](auto* a, auto* b) { return *a == *b; });
    return twice == names.end() ? nullptr : *twice;
  }

  const JsonLimits& limits_;
  std::vector<Json*> open_;
  uint64_t values_ = 0;
};

}  // namespace

Json parse_json(std::string_view text, std::string_view origin, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    throw Error(std::string(origin) + " has " + std::to_string(text.size()) +
                " bytes, more than the " + std::to_string(limits.bytes) + " that are read here");
  }
  Builder builder(limits);
  try {
    Json::sax_parse(text.begin(), text.end(), &builder);
  } catch (const Json::exception& error) {
    builder.fault = plain_reason(error.what());
  }
  if (builder.fault.empty()) return std::move(builder.root);
  std::string where = std::string(origin) + ": ";
  if (builder.fault_byte > 0) {
    const Position at = position_of(text, builder.fault_byte - 1);
    where += "line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": ";
  }
  throw Error(where + builder.fault);
}

std::optional<Json> try_json(std::string_view text, const JsonLimits& limits) {
  try {
    return parse_json(text, "", limits);
  } catch (const Error&) {
    return std::nullopt;
  }
}

void append_field(Json& object, std::string key, Json value) {
  if (object.is_null()) object = Json::object();
  Fields& fields = object.get_ref<Json::object_t&>();
  fields.emplace_back(std::move(key), std::move(value));
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
  if (const std::string fault = range_fault(value, low, high); !fault.empty()) fail(key, fault);
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
