// runs.jsonl: the settings of a comparison, screening or audit, then a line per finished training.
#ifndef POPAUG_RUNDIR_RESULT_LINES_H_
#define POPAUG_RUNDIR_RESULT_LINES_H_

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// Since version 2 of its formats every line ends with "check": a checksum over the line and the
// check of the line before, so that no change goes unseen. Files of version 1 stay readable, and
// get lines without a check.
class ResultLines {
 public:
  struct Line {
    Json json;           // without its check
    std::string origin;  // where it was read: "runs.jsonl:7"
  };
  struct Text {
    std::vector<Line> lines;  // the settings, then the results
    uint64_t good_bytes = 0;  // up to and with the last whole line
    bool sealed = true;
    std::string last_check;
  };
  // Reads the text of a file. Drops a torn last line; throws Error for a damaged one.
  static Text parse(std::string_view text, const std::string& origin);

  // Opens or starts the file `path` of a `what` ("comparison", "audit", "screening"). Throws
  // UsageError where a file is there and `resume` is false, or where it was made with other
  // `settings`, naming the difference.
  ResultLines(const fs::path& path, const Json& settings, const std::string& what, bool resume);

  // The results that were there.
  const std::vector<Line>& found() const { return found_; }

  // Durable when it returns. Thread safe.
  void add(const Json& result);

 private:
  void append(const Json& line);

  std::unique_ptr<AppendFile> file_;
  std::vector<Line> found_;
  bool sealed_ = true;
  std::string last_check_;
  std::mutex mutex_;
};

}  // namespace popaug

#endif  // POPAUG_RUNDIR_RESULT_LINES_H_
