// The order is what makes a second start harmless. Nothing is written, and nothing removed, before
// the lock is held; and under the lock only names are touched that a run of this kind makes. So a
// start that is refused has changed nothing, and files of others survive whatever a user names as
// the directory.
#include "popaug/rundir/run_directory.h"

#include <algorithm>
#include <utility>

#include "popaug/rundir/internal/article.h"
#include "popaug/rundir/internal/list_folder.h"
#include "popaug/rundir/regular_file.h"
#include "popaug/rundir/temporaries.h"

namespace popaug {
namespace {

// May be there before a run begins: what prepare_search(), a measurement of the drift band, or a
// process that was killed while it began left. config.toml is the first file that makes a run.
constexpr const char* kBeforeARun[] = {"lock", "left-out.txt", "split.json", "plan.json",
                                       "drift.band.json"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool matches(std::string_view name, std::string_view pattern) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() == '*') {
    for (size_t skip = 0; skip <= name.size(); ++skip) {
      if (matches(name.substr(skip), pattern.substr(1))) return true;
    }
    return false;
  }
  if (name.empty()) return false;
  if (pattern.front() == '#') {
    if (!is_digit(name.front())) return false;
    return matches(name.substr(1), pattern.substr(1)) ||
           (name.size() > 1 && is_digit(name[1]) && matches(name.substr(1), pattern));
  }
  return name.front() == pattern.front() && matches(name.substr(1), pattern.substr(1));
}

bool may_precede(const std::string& name) {
  return std::find(std::begin(kBeforeARun), std::end(kBeforeARun), name) != std::end(kBeforeARun);
}

std::vector<std::string> with(std::vector<std::string> list,
                              std::initializer_list<const char*> more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

// Other verbs write these into a run's directory, for example `popaug report RUN -o FILE`.
constexpr const char* kOfOtherVerbs[] = {"compare.json", "report.html", "report.md", "eval.json"};

bool made_by_other_verbs(const std::string& name) {
  return std::find(std::begin(kOfOtherVerbs), std::end(kOfOtherVerbs), name) !=
         std::end(kOfOtherVerbs);
}

// Of every kind.
std::vector<std::string> common_files() {
  std::vector<std::string> files = {"lock", "config.toml", "left-out.txt"};
  files.insert(files.end(), std::begin(kOfOtherVerbs), std::end(kOfOtherVerbs));
  return files;
}

std::vector<std::string> training_files() {
  return with(common_files(), {"used.schedule.json", "progress.csv", "checkpoint.safetensors",
                               "best.safetensors", "last.safetensors", "result.json", "run.log"});
}

}  // namespace

const RunKind& search_run() {
  static const RunKind kind = {
      "search",
      with(common_files(),
           {"split.json", "journal.jsonl", "members", "best.safetensors", "best.checkpoint",
            "best.schedule.json", "pbt_policy_#.txt", "progress.csv", "result.json", "run.log",
            "worker-#.log", "drift.band.json", "runs.jsonl", "choose.json",
            "*-#-validation-#.safetensors"}),
      {"journal.jsonl", "runs.jsonl"}};
  return kind;
}

const RunKind& training_run() {
  static const RunKind kind = {
      "training",
      training_files(),
      {"checkpoint.safetensors", "progress.csv", "best.safetensors", "last.safetensors"}};
  return kind;
}

const RunKind& comparison_run() {
  static const RunKind kind = {
      "comparison",
      with(common_files(), {"plan.json", "runs.jsonl", "compare.md", "screenings",
                            "*-#-test-#.safetensors", "*-#-validation-#.safetensors"}),
      {"runs.jsonl"}};
  return kind;
}

const RunKind& screening_run() {
  static const RunKind kind = {"screening",
                               with(training_files(), {"split.json", "runs.jsonl", "choose.json",
                                                       "*-#-validation-#.safetensors"}),
                               {"runs.jsonl"}};
  return kind;
}

const RunKind& audit_run() {
  static const RunKind kind = {
      "audit",
      with(common_files(), {"split.json", "runs.jsonl", "audit.json", "audit.svg", "audit.png",
                            "audited.space.toml", "clean-#.safetensors"}),
      {"runs.jsonl"}};
  return kind;
}

bool matches_any(std::string_view name, std::span<const std::string> patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches(name, pattern); });
}

void make_run_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::is_symlink(folder, error)) {
    throw Error(show_path(folder) +
                " is a symbolic link, but a run keeps its files in folders of its own. Replace it "
                "by that folder");
  }
  make_folder(folder);
}

void remove_leftovers(const fs::path& folder, std::span<const std::string> patterns) {
  for (const FolderEntry& entry : list_folder(folder)) {
    if (entry.is_regular && matches_any(entry.name, patterns)) remove_file(entry.path);
  }
}

RunDirectory::RunDirectory(const fs::path& path, const RunKind& kind, RunStart start)
    : path_(path), kind_(kind) {
  if (path.empty()) {
    throw UsageError(kind.name + ": no run directory is given; use setting \"out\" DIR");
  }
  std::error_code error;
  made_ = fs::create_directories(path, error);
  if (error) throw Error(show_path(path) + ": cannot make the folder: " + error.message());
  lock_.emplace(path);
  try {
    check(start);
  } catch (...) {
    lock_->withdraw(made_);
    throw;
  }
  remove_temporaries(path, [&](std::string_view name) { return matches_any(name, kind_.files); });
}

void RunDirectory::check(RunStart start) {
  std::string foreign;
  for (const FolderEntry& entry : list_folder(path_)) {
    const std::string& name = entry.name;
    if (matches_any(name, kind_.files)) {
      if (entry.is_special) {
        throw Error(show_path(entry.path) + " is not a file that " + with_article(kind_.name) +
                    " makes but a FIFO or a device. Remove it, or choose another setting \"out\"");
      }
      if (entry.is_link && !made_by_other_verbs(name)) {
        throw Error(show_path(entry.path) + " is a symbolic link, but " + with_article(kind_.name) +
                    " keeps its files in its own folder and writes to nothing outside of it. "
                    "Replace the link by the file");
      }
      begun_ = begun_ || !may_precede(name);
      has_work_ = has_work_ || matches_any(name, kind_.marks);
      continue;
    }
    const auto unfinished = temporary_of(name);
    if (unfinished && matches_any(*unfinished, kind_.files)) continue;
    if (!may_precede(name) && (foreign.empty() || name < foreign)) foreign = name;
  }
  if (begun_ && start == RunStart::kNew) {
    throw UsageError(
        show_path(path_) + " already contains " + with_article(kind_.name) +
        ", which is never overwritten: add setting \"resume\" to continue it, or choose "
        "another setting \"out\"");
  }
  if (!begun_ && start == RunStart::kResume) {
    throw UsageError("setting \"resume\": there is no " + kind_.name + " in " + show_path(path_) +
                     "; leave setting \"resume\" out to start one");
  }
  if (!begun_ && !foreign.empty()) {
    throw UsageError(show_path(path_) + " is not empty (" + quote(foreign) + " is in it): a new " +
                     kind_.name + " needs a folder of its own; choose another setting \"out\"");
  }
}

RunDirectory::~RunDirectory() {
  std::error_code error;
  // A resume that was refused because config.toml is missing leaves no lock file behind.
  const bool refused = begun_ && !fs::exists(path_ / "config.toml", error);
  for (fs::directory_iterator at(path_, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename() != "lock" && !refused) return;
  }
  if (error) return;  // what is in it is not known
  lock_->withdraw(made_);
}

void RunDirectory::write_start(const std::string& name, std::string_view bytes) {
  if (!has_work_ || !fs::exists(path_ / name)) write_file_atomic(path_ / name, bytes);
}

void RunDirectory::write_derived(const std::string& name, std::string bytes) {
  const fs::path file = path_ / name;
  if (!has_work_) return write_file_atomic(file, bytes);
  std::error_code error;
  const bool same = fs::file_size(file, error) == bytes.size() && !error &&
                    read_regular_file(file, bytes.size()) == bytes;
  if (!same) damaged_[name] = std::move(bytes);
}

void RunDirectory::confirm() {
  for (const auto& [name, bytes] : std::exchange(damaged_, {})) {
    write_file_atomic(path_ / name, bytes);
  }
}

}  // namespace popaug
