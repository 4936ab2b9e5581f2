// Names and small files of a run directory. Private to the room.
#ifndef POPAUG_SEARCH_RUN_FILES_H_
#define POPAUG_SEARCH_RUN_FILES_H_

#include <chrono>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <functional>
#include <set>
#include <string>

#include "popaug/search/journal.h"
#include "popaug/search/population.h"

namespace popaug {

// docs/formats/run.md.
class RunFiles {
 public:
  explicit RunFiles(const fs::path& directory);

  fs::path journal() const { return directory_ / "journal.jsonl"; }
  fs::path members() const { return directory_ / "members"; }
  fs::path checkpoint(const CheckpointId& id) const;
  fs::path early(const CheckpointId& id) const;
  // A name that no other attempt of this or any process has had.
  fs::path attempt(const CheckpointId& id);

  // Removes what a kill left: temporary files, attempts, and all in members/ but `keep`.
  void clean(const std::set<fs::path>& keep) const;

 private:
  fs::path directory_;
  std::string token_;
  uint64_t attempts_ = 0;
};

// Removes a checkpoint or an early result. Failpoint: "checkpoint.delete", before it goes.
void remove_file(const fs::path& path);

// run.log: never read by a decision, so a write that fails is no error.
class RunLog {
 public:
  explicit RunLog(const fs::path& path);
  void write(const std::string& event, const Json& fields);
  // write("result", ...), a hundred thousand times a second; flush() when there are no more.
  void result(const CheckpointId& id, const std::string& worker, double seconds);
  void flush();
  double clock() const;  // seconds since it was opened

 private:
  std::string now();

  std::ofstream out_;
  std::time_t second_ = 0;
  std::string second_text_;
  std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
};

// Sums over all sessions that run.log tells of.
struct LogTotals {
  double seconds = 0;         // of all sessions
  double worker_seconds = 0;  // of all rounds
  int64_t sessions = 0, failed = 0;
};
LogTotals read_log(const fs::path& path);

// The rows of progress.csv, made from results and decisions in the order of the journal.
class ProgressTable {
 public:
  // Rows go to `out` when they are complete: a row names the donor of the decision after it.
  explicit ProgressTable(std::function<void(const std::string&)> out) : out_(std::move(out)) {}
  void result(const JournalResult& result);
  void decision(const Decision& decision);
  void redirect(std::function<void(const std::string&)> out) { out_ = std::move(out); }

 private:
  std::function<void(const std::string&)> out_;
  std::vector<JournalResult> open_;
  std::vector<std::string> metrics_;
  bool headed_ = false;
  double best_ = 0;
  bool any_ = false;
};

}  // namespace popaug

#endif  // POPAUG_SEARCH_RUN_FILES_H_
