// TOML in and out (toml++ stays behind this file).

// toml++ 3.3 asserts what a file can break: "[[!a]]" ends the process, or is undefined under
// NDEBUG. Here a broken assertion is the file's fault, in every kind of build.
namespace popaug {
namespace {
[[noreturn]] void refuse_toml();
}
}  // namespace popaug
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? void() : ::popaug::refuse_toml())
#include <toml++/toml.h>

#include <sstream>

#include "popaug/base/error.h"
#include "popaug/base/json.h"

namespace popaug {
namespace {

struct NoToml {};

void refuse_toml() { throw NoToml(); }

std::string place(std::string_view origin, const toml::source_region& region) {
  return std::string(origin) + ": line " + std::to_string(region.begin.line) + ", column " +
         std::to_string(region.begin.column) + ": ";
}

Json convert(const toml::node& node, std::string_view origin) {
  if (const auto* table = node.as_table()) {
    // toml++ sorts its tables; the order in the file is the order of the lines.
    std::vector<std::pair<const toml::key*, const toml::node*>> items;
    for (const auto& [key, value] : *table) items.emplace_back(&key, &value);
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
      const auto& x = a.first->source().begin;
      const auto& y = b.first->source().begin;
      return std::tie(x.line, x.column) < std::tie(y.line, y.column);
    });
    Json object = Json::object();
    for (const auto& [key, value] : items) {
      object[std::string(key->str())] = convert(*value, origin);
    }
    return object;
  }
  if (const auto* array = node.as_array()) {
    Json list = Json::array();
    for (const toml::node& item : *array) list.push_back(convert(item, origin));
    return list;
  }
  if (const auto* value = node.as_string()) return value->get();
  if (const auto* value = node.as_integer()) {
    if (value->get() >= 0) return static_cast<uint64_t>(value->get());
    return value->get();
  }
  if (const auto* value = node.as_floating_point()) return value->get();
  if (const auto* value = node.as_boolean()) return value->get();
  throw Error(place(origin, node.source()) + "dates and times are not used here");
}

toml::array to_array(const Json& list);
toml::table to_table(const Json& object);

template <typename Insert>
void with_node(const Json& value, Insert insert) {
  if (value.is_object())
    insert(to_table(value));
  else if (value.is_array())
    insert(to_array(value));
  else if (value.is_boolean())
    insert(value.get<bool>());
  else if (value.is_number_float())
    insert(value.get<double>());
  else if (value.is_number())
    insert(value.get<int64_t>());
  else
    insert(value.get<std::string>());
}

toml::array to_array(const Json& list) {
  toml::array out;
  for (const Json& item : list) with_node(item, [&](auto&& node) { out.push_back(node); });
  return out;
}

toml::table to_table(const Json& object) {
  toml::table out;
  for (const auto& [key, value] : object.items()) {
    with_node(value, [&](auto&& node) { out.insert(key, node); });
  }
  return out;
}

std::string toml_key(const std::string& key) {
  const bool bare = !key.empty() && key.find_first_not_of(
                                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL"
                                        "MNOPQRSTUVWXYZ0123456789_-") == key.npos;
  if (bare) return key;
  std::ostringstream out;
  out << toml::value<std::string>(key);
  return out.str();
}

void write_table(std::ostringstream& out, const std::string& path, const Json& object) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) continue;
    out << toml_key(key) << " = ";
    with_node(value, [&](auto&& node) {
      using Node = std::decay_t<decltype(node)>;
      if constexpr (std::is_same_v<Node, toml::array>)
        out << node;
      else if constexpr (!std::is_same_v<Node, toml::table>)
        out << toml::value(node);
    });
    out << "\n";
  }
  for (const auto& [key, value] : object.items()) {
    if (!value.is_object()) continue;
    const std::string inner = path.empty() ? toml_key(key) : path + "." + toml_key(key);
    out << "\n[" << inner << "]\n";
    write_table(out, inner, value);
  }
}

}  // namespace

Json parse_toml(std::string_view text, std::string_view origin) {
  try {
    return convert(toml::parse(text), origin);
  } catch (const toml::parse_error& error) {
    throw Error(place(origin, error.source()) + std::string(error.description()));
  } catch (const NoToml&) {
    throw Error(std::string(origin) +
                ": this is not TOML: a key is missing or holds what it may not");
  }
}

std::string to_toml(const Json& object) {
  std::ostringstream out;
  write_table(out, "", object);
  return out.str();
}

}  // namespace popaug
