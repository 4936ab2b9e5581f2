#include "popaug/compare/result_lines.h"

namespace popaug {
namespace {

void refuse_difference(const Json& before, const Json& now, const fs::path& path,
                       const std::string& what) {
  const std::string there = show_path(path) + ": the " + what + " there was made with ";
  for (const auto& [key, value] : now.items()) {
    if (before.contains(key) && before[key] == value) continue;
    throw UsageError(there + key + " = " +
                     (before.contains(key) ? json_line(before[key]) : "nothing") + ", now it is " +
                     json_line(value) + "; choose another --out");
  }
  if (before.size() != now.size()) {
    throw UsageError(there + "other settings; choose another --out");
  }
}

}  // namespace

ResultLines::ResultLines(const fs::path& path, const Json& settings, const std::string& what,
                         bool resume) {
  const bool there = fs::exists(path);
  if (there && !resume) {
    throw UsageError(show_path(path.parent_path()) + " holds a " + what +
                     " already: add --resume to continue it, or choose another --out");
  }
  const std::string text = there ? read_file(path) : "";
  uint64_t good = 0;
  int number = 0;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
    const std::string origin = show_path(path) + ":" + std::to_string(++number);
    Json json = parse_json(std::string_view(text).substr(begin, end - begin), origin);
    if (number == 1) {
      refuse_difference(json, settings, path, what);
    } else {
      found_.push_back({std::move(json), origin});
    }
    good = end + 1;
  }
  file_ = std::make_unique<AppendFile>(path, good);
  if (good == 0) file_->append(json_line(settings) + "\n");
}

void ResultLines::add(const Json& result) {
  const std::lock_guard lock(mutex_);
  file_->append(json_line(result) + "\n");
}

}  // namespace popaug
