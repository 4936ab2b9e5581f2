// Reads JSON and TOML within limits; errors say where. Writes JSON, the same bytes for the same
// value.
#ifndef POPAUG_BASE_JSON_H_
#define POPAUG_BASE_JSON_H_

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace popaug {

// Keys keep the order in which they were written: files read well and are the same bytes always.
using Json = nlohmann::ordered_json;

// What a text may ask of the reader. Time and memory are linear in the bytes: a value takes up to
// 100 bytes of memory. docs/threats.md lists the readers that have other limits.
struct JsonLimits {
  uint64_t bytes = uint64_t{64} << 20;
  int depth = 64;
  uint64_t values = uint64_t{8} << 20;
};

// `origin` names the text in messages ("run/result.json", "journal.jsonl:17").
// Throws Error with line and column if it is not one JSON value within the limits, or if an object
// lists a key twice.
Json parse_json(std::string_view text, std::string_view origin, const JsonLimits& limits = {});
// The value, or nothing if parse_json() would refuse the text: for lines that may be skipped.
std::optional<Json> try_json(std::string_view text, const JsonLimits& limits = {});
Json read_json(const std::filesystem::path& path, const JsonLimits& limits = {});

// Adds a field that the object does not have yet. `object[key] = value` searches the object, which
// makes a loop over many keys quadratic.
void append_field(Json& object, std::string key, Json value);

// TOML as the same values (dates are refused). Errors name line and column. Up to 1 MiB, and up to
// 64 deep, counting brackets, parts of dotted keys and of table names.
Json parse_toml(std::string_view text, std::string_view origin);
// TOML text of an object whose values are numbers, booleans, strings, arrays of these, or such
// objects (tables); reads back as the same value.
std::string to_toml(const Json& object);

// The value as one line without spaces, numbers in shortest exact form.
std::string json_line(const Json& value);
// The value indented by two spaces, with a final newline.
std::string json_pretty(const Json& value);

// Reads the fields of one object; remembers which keys were asked for, so that finish() can refuse
// the others with the nearest known one. All errors start with `origin` and the path of the field.
class JsonReader {
 public:
  // Throws Error if `value` is not an object. `value` must outlive the reader.
  JsonReader(const Json& value, std::string origin);

  bool has(const std::string& key);
  // Required fields: throw Error if absent or of another type.
  const Json& any(const std::string& key);
  const Json& array(const std::string& key);
  const Json& object(const std::string& key);
  std::string text(const std::string& key);
  bool boolean(const std::string& key);
  double number(const std::string& key, double low, double high);  // finite, low..high
  int64_t integer(const std::string& key, int64_t low, int64_t high);
  uint64_t unsigned64(const std::string& key);
  // Optional fields: the fallback where the key is absent.
  std::string text_or(const std::string& key, const std::string& fallback);
  bool boolean_or(const std::string& key, bool fallback);
  double number_or(const std::string& key, double low, double high, double fallback);
  int64_t integer_or(const std::string& key, int64_t low, int64_t high, int64_t fallback);

  // Throws Error for keys that nobody asked for.
  void finish() const;
  // "origin: field: sentence", for errors about the meaning of a field.
  [[noreturn]] void fail(const std::string& key, const std::string& sentence) const;
  const std::string& origin() const { return origin_; }

 private:
  const Json& value_;
  std::string origin_;
  std::vector<std::string> known_;
};

}  // namespace popaug

#endif  // POPAUG_BASE_JSON_H_
