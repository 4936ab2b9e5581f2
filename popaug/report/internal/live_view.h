// The content of the live page, kept up to date by a thread.
#ifndef POPAUG_REPORT_INTERNAL_LIVE_VIEW_H_
#define POPAUG_REPORT_INTERNAL_LIVE_VIEW_H_

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

// Looks at the run directory at intervals and makes a new snapshot when the journal, the result or
// the log has changed. A run that does not exist yet, is broken or is being restarted is shown as a
// sentence, and the page recovers with the run.
class LiveView {
 public:
  LiveView(const fs::path& run, double look_seconds);
  ~LiveView();

  std::shared_ptr<const LiveSnapshot> now() const;
  // Waits for a version other than `version`, for the end, or for `seconds`.
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

#endif  // POPAUG_REPORT_INTERNAL_LIVE_VIEW_H_
