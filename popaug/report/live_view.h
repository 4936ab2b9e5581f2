// What the live page shows at a moment, kept up to date by a thread. Private to room report.
#ifndef POPAUG_REPORT_LIVE_VIEW_H_
#define POPAUG_REPORT_LIVE_VIEW_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "popaug/base/base.h"

namespace popaug {

struct LiveSnapshot {
  int64_t version = 0;
  std::string main;   // HTML of the report's parts
  std::string state;  // JSON: version, title, line, figures
};

// Looks at the run directory every so often and makes a new snapshot when journal, result or log
// changed. A run that does not yet exist, is broken or is being restarted shows as a sentence, and
// the page recovers with the run.
class LiveView {
 public:
  LiveView(const fs::path& run, double look_seconds);
  ~LiveView();

  std::shared_ptr<const LiveSnapshot> now() const;
  // Waits until a version other than `version`, the end, or `seconds`.
  std::shared_ptr<const LiveSnapshot> wait(int64_t version, double seconds) const;
  bool ended() const;
  void end();

 private:
  std::string signature() const;
  void refresh();
  void watch(std::string seen, double look_seconds);

  fs::path run_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<const LiveSnapshot> snapshot_;
  bool ended_ = false;
  std::thread watcher_;
};

}  // namespace popaug

#endif  // POPAUG_REPORT_LIVE_VIEW_H_
