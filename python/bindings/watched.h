// Long work of the library for Python: on a thread of its own, with progress and stops passed on by
// the calling thread, which may be any.
#ifndef POPAUG_PYTHON_BINDINGS_WATCHED_H_
#define POPAUG_PYTHON_BINDINGS_WATCHED_H_

#include <nanobind/nanobind.h>

#include <functional>
#include <optional>
#include <string>

#include "popaug/base/base.h"

namespace popaug::python {

// A request to stop that comes from SIGINT or SIGTERM in the main thread of Python. Another thread
// gets no signals: handlers are of the whole process, and another thread may have set its own.
// Construct it with the interpreter's lock held.
class MainThreadStop {
 public:
  MainThreadStop();
  const StopToken& token() const { return signals_ ? signals_->token() : own_; }
  bool in_main_thread() const { return signals_.has_value(); }

 private:
  std::optional<SignalStop> signals_;
  StopToken own_;
};

// Runs `work` and returns its result, with the interpreter's lock held by the caller and free
// meanwhile. `progress`: None, or an object whose update(done, total, note), line(text) and
// event(text) are called in the calling thread a few times a second. What one of them raises stops
// the work and is raised again. In another thread than the main one, the work stops when the main
// thread has ended, so that a program does not hang at its end.
std::string run_watched(
    const nanobind::object& progress,
    const std::function<std::string(Progress& progress, const StopToken& stop)>& work);

}  // namespace popaug::python

#endif  // POPAUG_PYTHON_BINDINGS_WATCHED_H_
