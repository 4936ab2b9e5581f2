#include "popaug/rundir/result_lines.h"

#include "popaug/rundir/internal/article.h"
#include "popaug/rundir/regular_file.h"

namespace popaug {
namespace {

constexpr std::string_view kCheckKey = ",\"check\":\"";
constexpr size_t kDigits = 8;
constexpr uint64_t kMostBytes = uint64_t{1} << 31;
constexpr size_t kTail = kCheckKey.size() + kDigits + 2;  // ,"check":"01234567"}
constexpr int64_t kFirstSealedVersion = 2;
constexpr const char* kAdvice = "; restore the file from a copy, or choose another setting \"out\"";

std::string check_of(std::string_view previous, std::string_view body) {
  return hash_hex(std::string(previous) + std::string(body)).substr(0, kDigits);
}

bool has_check(std::string_view line) {
  return line.size() > kTail && line.ends_with("\"}") &&
         line.substr(line.size() - kTail, kCheckKey.size()) == kCheckKey;
}

// A line without its check and closing brace, which must follow from the line before.
std::string_view unseal(std::string_view line, std::string& last_check, const std::string& origin) {
  if (!has_check(line)) {
    throw Error(origin + ": the line is damaged (it does not end with its check)" + kAdvice);
  }
  const std::string_view body = line.substr(0, line.size() - kTail);
  std::string check = check_of(last_check, body);
  if (line.substr(line.size() - kDigits - 2, kDigits) != check) {
    throw Error(origin + ": the line is damaged (its check does not fit it and the line before)" +
                kAdvice);
  }
  last_check = std::move(check);
  return body;
}

// The version says how the file is written, not what was asked for.
void refuse_difference(const Json& before, const Json& now, const fs::path& path,
                       const std::string& what) {
  const std::string there = show_path(path) + ": the " + what + " there was made with ";
  for (const auto& [key, value] : now.items()) {
    if (key == "version" || (before.contains(key) && before[key] == value)) continue;
    throw UsageError(there + key + " = " +
                     (before.contains(key) ? json_line(before[key]) : "nothing") + ", now it is " +
                     json_line(value) + "; choose another setting \"out\"");
  }
  if (before.size() != now.size()) {
    throw UsageError(there + "other settings; choose another setting \"out\"");
  }
}

}  // namespace

ResultLines::Text ResultLines::parse(std::string_view text, const std::string& origin) {
  Text read;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
    const std::string where = origin + ":" + std::to_string(read.lines.size() + 1);
    const std::string_view line = text.substr(begin, end - begin);
    if (read.lines.empty()) read.sealed = has_check(line);
    Json json = read.sealed
                    ? parse_json(std::string(unseal(line, read.last_check, where)) + "}", where)
                    : parse_json(line, where);
    if (!json.is_object()) throw Error(where + ": expected a JSON object" + kAdvice);
    if (read.lines.empty()) {
      const int64_t version = JsonReader(json, where).integer("version", 1, kFirstSealedVersion);
      if (read.sealed != (version >= kFirstSealedVersion)) {
        throw Error(where +
                    ": the line is damaged (its version and its check contradict each "
                    "other)" +
                    kAdvice);
      }
    }
    read.lines.push_back({std::move(json), where});
    read.good_bytes = end + 1;
  }
  return read;
}

ResultLines::ResultLines(const fs::path& path, const Json& settings, const std::string& what,
                         bool resume) {
  const bool there = fs::exists(path);
  if (there && !resume) {
    throw UsageError(show_path(path.parent_path()) + " already contains " + with_article(what) +
                     ": add setting \"resume\" to continue it, or choose another setting \"out\"");
  }
  Text read = parse(there ? read_regular_file(path, kMostBytes) : std::string(), show_path(path));
  if (!read.lines.empty()) {
    refuse_difference(read.lines.front().json, settings, path, what);
    read.lines.erase(read.lines.begin());
    sealed_ = read.sealed;
    last_check_ = read.last_check;
  }
  found_ = std::move(read.lines);
  file_ = std::make_unique<AppendFile>(path, read.good_bytes);
  if (read.good_bytes == 0) append(settings);
}

void ResultLines::append(const Json& json) {
  std::string line = json_line(json);
  if (!sealed_) {
    file_->append(line + "\n");
    return;
  }
  line.pop_back();  // the closing brace
  const std::string check = check_of(last_check_, line);
  file_->append(line.append(kCheckKey).append(check).append("\"}\n"));
  last_check_ = check;  // only now: a line that a full disk refused is not there
}

void ResultLines::add(const Json& result) {
  const std::lock_guard lock(mutex_);
  append(result);
}

}  // namespace popaug
