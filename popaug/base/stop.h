// A request to stop, from a signal or from code.
#ifndef POPAUG_BASE_STOP_H_
#define POPAUG_BASE_STOP_H_

#include <atomic>

namespace popaug {

// Set once, read by anyone, from any thread or signal handler.
class StopToken {
 public:
  void request() { requested_.store(true, std::memory_order_relaxed); }
  bool requested() const { return requested_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> requested_{false};
};

// What a second signal does: it ends the process at once with status 130, or nothing more, where
// the process is a session that holds other work.
enum class SecondSignal { kEndsProcess, kIgnored };

// While it lives, the first SIGINT or SIGTERM sets the token. At most one at a time. Previous
// handlers are restored.
class SignalStop {
 public:
  explicit SignalStop(SecondSignal second = SecondSignal::kEndsProcess);
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;
  const StopToken& token() const;
};

}  // namespace popaug

#endif  // POPAUG_BASE_STOP_H_
