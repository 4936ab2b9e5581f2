// run.log: what the clock and the machine add to a run, one JSON object a line.
#ifndef POPAUG_RUNDIR_RUN_LOG_H_
#define POPAUG_RUNDIR_RUN_LOG_H_

#include <chrono>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// Appends events. No decision ever reads them, so a write that fails is not an error. Not thread
// safe.
class RunLog {
 public:
  explicit RunLog(const fs::path& path);
  // One line: the time (UTC, ISO 8601), the event, the seconds since this log was opened ("clock"),
  // and the fields.
  void write(const std::string& event, const Json& fields);
  // write("result", ...), fast enough for a hundred thousand a second. Call flush() after the last.
  void result(int round, int member, const std::string& worker, double seconds);
  void flush();

 private:
  std::string now();
  double clock() const;

  std::ofstream out_;
  std::time_t second_ = 0;
  std::string second_text_;
  std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
};

// What a run.log says about time.
struct RunTimes {
  int64_t sessions = 0;        // starts and resumes
  int64_t failed = 0;          // failed attempts
  double wall_seconds = 0;     // of all sessions, each from its start to its last line
  double trained_seconds = 0;  // sum over accepted rounds of a search
  std::vector<std::pair<std::string, double>> by_worker;  // seconds in accepted rounds
  std::vector<double> by_round;  // seconds of all members' rounds of a search
  std::vector<double> by_epoch;  // seconds of a training's epochs; a repeated epoch counts twice
  std::string last_event;        // "end", "stop", "result", ...
};

// Reads the text of a run.log. Skips every line that is not an event, and every field of an
// unexpected type. A session lasts as long as its clock says; logs of earlier versions without a
// clock count by the times of their lines.
RunTimes read_run_log(std::string_view text);
// The same of a file; no sessions where there is none.
RunTimes load_run_log(const fs::path& path);

}  // namespace popaug

#endif  // POPAUG_RUNDIR_RUN_LOG_H_
