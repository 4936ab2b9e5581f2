// The one door by which every run begins and resumes (docs/formats/run.md).
#ifndef POPAUG_RUNDIR_RUN_DIRECTORY_H_
#define POPAUG_RUNDIR_RUN_DIRECTORY_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/rundir/directory_lock.h"

namespace popaug {

// What a directory is for, and the names that such a run makes in it. In a name, a '#' stands for
// digits and a '*' for any characters.
struct RunKind {
  std::string name;                // for sentences: "search", "training", "screening", ...
  std::vector<std::string> files;  // everything that the run itself makes
  std::vector<std::string> marks;  // those of them whose presence says that work has been done
};
const RunKind& search_run();
const RunKind& training_run();
const RunKind& comparison_run();
const RunKind& screening_run();  // a screening and the training of its winner
const RunKind& audit_run();

// How a run may begin.
enum class RunStart {
  kNew,     // the directory must not have a run
  kResume,  // it must have one
  kEither,  // resumes the run if there is one
};

// Holds a run directory while a run works in it. In this order: makes the directory, locks it,
// checks what is in it, removes the temporary files that a killed process left under the names of
// this kind. Only then may anything be written. Not thread safe.
class RunDirectory {
 public:
  // Throws Error if another process has the directory; UsageError if kNew finds a run, kResume
  // finds none, or a run would begin among files that are not its own. Such files are never
  // touched.
  RunDirectory(const fs::path& path, const RunKind& kind, RunStart start);
  // Removes the lock file and the directory again if this run made them and wrote nothing.
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const fs::path& path() const { return path_; }
  const RunKind& kind() const { return kind_; }
  // Whether an earlier process began this run, and whether it did work that a resume takes up.
  bool begun() const { return begun_; }
  bool has_work() const { return has_work_; }

  // Writes a file that says what the run is (config.toml). Where the run has work, which rests on
  // it, the file that is there stays as it is.
  void write_start(const std::string& name, std::string_view bytes);
  // Writes a file that follows from the settings and the images alone (split.json). Where the run
  // has work, the file is compared with `bytes` and, if it differs, written again by confirm().
  void write_derived(const std::string& name, std::string bytes);
  // Call it once the settings are known to be those of the run. A derived file that differs is then
  // damaged or missing, and is written again.
  void confirm();

 private:
  void check(RunStart start);

  fs::path path_;
  RunKind kind_;
  bool made_ = false;  // by this process
  bool begun_ = false, has_work_ = false;
  std::map<std::string, std::string> damaged_;  // derived files: name -> what must be in it
  std::optional<RunLock> lock_;
};

// Whether a name is one of `patterns` (RunKind).
bool matches_any(std::string_view name, std::span<const std::string> patterns);

// Makes a folder inside a run directory where it is missing. Throws Error if a link or a file has
// its name.
void make_run_folder(const fs::path& folder);

// Removes from a folder of a run, which the caller has locked, regular files whose names match.
void remove_leftovers(const fs::path& folder, std::span<const std::string> patterns);

}  // namespace popaug

#endif  // POPAUG_RUNDIR_RUN_DIRECTORY_H_
