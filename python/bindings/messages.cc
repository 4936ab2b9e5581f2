// Messages of the library name settings and the program's flags; Python has arguments in their
// place.
#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

#include "python/bindings/bindings.h"

namespace popaug::python {
namespace {

const std::map<std::string, std::string> kArguments = {
    {"resume", "resume=True"},
    {"out", "out="},
    {"plugin", "popaug.load_plugin(path), or @popaug.op"},
    {"worker-cmd", "worker_command="},
    {"help", "help()"},
};

bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; }

std::string argument(const std::string& flag) {
  const auto known = kArguments.find(flag);
  if (known != kArguments.end()) return known->second;
  std::string name = flag;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name + "=";
}

// The quoted key of a setting that begins at `at` (setting "resume"), if the argument has another
// form than the setting; else empty.
std::string setting_key(const std::string& text, size_t at) {
  constexpr std::string_view kBefore = "setting \"";
  if (text.compare(at, kBefore.size(), kBefore) != 0) return "";
  const size_t begin = at + kBefore.size(), end = text.find('"', begin);
  if (end == text.npos) return "";
  std::string key = text.substr(begin, end - begin);
  std::replace(key.begin(), key.end(), '_', '-');
  return kArguments.contains(key) ? key : "";
}

// The end of the name of a value after a flag that ends at `at`: in "--out DIR" it has no meaning
// beside an argument. Returns `at` if there is none.
size_t end_of_value_name(const std::string& text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && std::isupper(static_cast<unsigned char>(text[end])) != 0) ++end;
  return at < text.size() && text[at] == ' ' && end > at + 2 ? end : at;
}

// Where a command of the program that begins at `at` ends: its flags are right as they are.
size_t end_of_command(const std::string& text, size_t at) {
  size_t end = at;
  while (end < text.size() && text[end] != '\n' && text[end] != '`' &&
         text.compare(end, 2, ". ") != 0) {
    ++end;
  }
  return end;
}

}  // namespace

std::string in_python(const std::string& text) {
  std::string result;
  size_t at = 0;
  while (at < text.size()) {
    const bool starts = at == 0 || !in_name(text[at - 1]);
    if (starts && text.compare(at, 7, "popaug ") == 0) {
      size_t word = at + 7;
      while (word < text.size() && (in_name(text[word]) || text[word] == ' ') &&
             text.compare(word, 2, "--") != 0) {
        ++word;
      }
      if (text.compare(word, 2, "--") == 0) {  // a whole command, with flags
        const size_t end = end_of_command(text, at);
        result += text.substr(at, end - at);
        at = end;
        continue;
      }
    }
    if (starts && text.compare(at, 2, "--") == 0 && at + 2 < text.size() &&
        std::islower(static_cast<unsigned char>(text[at + 2])) != 0) {
      size_t end = at + 2;
      while (end < text.size() && in_name(text[end])) ++end;
      result += argument(text.substr(at + 2, end - at - 2));
      at = end_of_value_name(text, end);
      continue;
    }
    if (const std::string key = starts ? setting_key(text, at) : ""; !key.empty()) {
      result += argument(key);
      at = end_of_value_name(text, text.find('"', text.find('"', at) + 1) + 1);
      continue;
    }
    result += text[at++];
  }
  return result;
}

}  // namespace popaug::python
