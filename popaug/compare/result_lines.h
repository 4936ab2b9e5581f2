// runs.jsonl: the settings of a piece of work, then a line per finished part. Private to room
// compare.
#ifndef POPAUG_COMPARE_RESULT_LINES_H_
#define POPAUG_COMPARE_RESULT_LINES_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

class ResultLines {
 public:
  // Opens or starts the file `path` of a `what` ("comparison", "audit", "race"). A torn last line
  // is dropped. Throws UsageError where a file is there and `resume` is false, or where it was made
  // with other `settings`, naming the difference.
  ResultLines(const fs::path& path, const Json& settings, const std::string& what, bool resume);

  // The results that stood there, and where each stood ("runs.jsonl:7").
  struct Line {
    Json json;
    std::string origin;
  };
  const std::vector<Line>& found() const { return found_; }

  // Durable when it returns. Thread safe.
  void add(const Json& result);

 private:
  std::unique_ptr<AppendFile> file_;
  std::vector<Line> found_;
  std::mutex mutex_;
};

}  // namespace popaug

#endif  // POPAUG_COMPARE_RESULT_LINES_H_
