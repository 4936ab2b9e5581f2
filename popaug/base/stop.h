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

// While it lives, the first SIGINT or SIGTERM sets the token and a second ends the process at once
// with status 130. At most one at a time. Previous handlers are restored.
class SignalStop {
 public:
  SignalStop();
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;
  const StopToken& token() const;
};

}  // namespace popaug

#endif  // POPAUG_BASE_STOP_H_
