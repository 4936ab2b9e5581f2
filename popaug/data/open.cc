// Recognises what a path holds and asks the reader for it; and what the readers share.
#include <algorithm>
#include <set>

#include "popaug/data/source.h"

namespace popaug {

const Split* Dataset::find(std::string_view name) const {
  for (const Split& one : splits) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

namespace source {

std::string split_name(std::string_view word) {
  if (word == "train" || word == "training") return "train";
  if (word == "val" || word == "valid" || word == "validation" || word == "dev") return "val";
  if (word == "test" || word == "testing" || word == "t10k") return "test";
  return "";
}

void sort_splits(std::vector<SourceSplit>& splits) {
  const auto rank = [](const std::string& name) {
    return name == "train" ? 0 : name == "val" ? 1 : name == "test" ? 2 : 3;
  };
  std::sort(splits.begin(), splits.end(), [&](const SourceSplit& a, const SourceSplit& b) {
    return std::pair(rank(a.split.name), a.split.name) <
           std::pair(rank(b.split.name), b.split.name);
  });
}

std::vector<std::string> class_file(const fs::path& folder) {
  const fs::path path = folder / "classes.txt";
  if (!fs::exists(path)) return {};
  std::vector<std::string> names = popaug::split(read_file(path, 16 << 20), '\n');
  while (!names.empty() && trim(names.back()).empty()) names.pop_back();
  std::set<std::string> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    names[i] = trim(names[i]);
    const std::string where = show_path(path) + ":" + std::to_string(i + 1) + ": ";
    if (names[i].empty()) throw Error(where + "the class name is empty");
    if (!seen.insert(names[i]).second) {
      throw Error(where + "the class " + quote(names[i]) + " is named twice");
    }
  }
  return names;
}

std::vector<std::string> number_names(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

namespace {

Source open_directory(const fs::path& folder) {
  if (is_idx_folder(folder)) return open_idx(folder);
  return open_folder(folder);
}

}  // namespace

Source open(const fs::path& path, const ReadOptions&) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) {
    throw Error(show_path(path) + " does not exist; expected a folder of images or a data file");
  }
  if (!fs::is_directory(status)) throw Error(show_path(path) + ": is not a folder of images");
  Source source = open_directory(path);
  source.path = show_path(path);
  return source;
}

}  // namespace source
}  // namespace popaug
