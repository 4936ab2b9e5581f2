#include "python/bindings/watched.h"

#include <dlfcn.h>
#include <nanobind/stl/string.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "python/bindings/bindings.h"

namespace nb = nanobind;

namespace popaug::python {
namespace {

constexpr std::chrono::milliseconds kPace{100};

bool is_main_thread() {
  const nb::object threading = nb::module_::import_("threading");
  return threading.attr("current_thread")().is(threading.attr("main_thread")());
}

bool main_thread_lives() {
  return nb::cast<bool>(nb::module_::import_("threading").attr("main_thread")().attr("is_alive")());
}

// Whether the interpreter is ending: its lock can then not be had any more. The function has
// another name before Python 3.13 and is not in the stable ABI there, so the running Python is
// asked for it.
bool is_ending() {
  using Function = int (*)();
  static const Function is_finalizing = [] {
    void* found = dlsym(RTLD_DEFAULT, "Py_IsFinalizing");
    if (found == nullptr) found = dlsym(RTLD_DEFAULT, "_Py_IsFinalizing");
    return reinterpret_cast<Function>(found);
  }();
  return is_finalizing != nullptr && is_finalizing() != 0;
}

// A notebook or a prompt, where other work would be lost with the process.
SecondSignal second_signal() {
  const nb::object sys = nb::module_::import_("sys");
  const bool session = nb::hasattr(sys, "ps1") ||
                       nb::cast<int>(sys.attr("flags").attr("interactive")) != 0 ||
                       nb::cast<bool>(sys.attr("modules").attr("__contains__")("ipykernel"));
  return session ? SecondSignal::kIgnored : SecondSignal::kEndsProcess;
}

// Collects what the work reports, for the calling thread to pass on.
class Collected : public Progress {
 public:
  struct Report {
    bool updated = false;
    double done = 0, total = 0;
    std::string note;
    std::vector<std::pair<bool, std::string>> lines;  // whether it is an event only, and the text
  };

  void update(double done, double total, const std::string& note) override {
    const std::lock_guard lock(mutex_);
    report_.updated = true;
    report_.done = done;
    report_.total = total;
    report_.note = note;
  }
  void line(const std::string& text) override { add(false, text); }
  void event(const std::string& text) override { add(true, text); }

  void finish() {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    ended_.notify_all();
  }
  // Waits a moment, or for the end; returns whether the work has ended, and what it reported.
  std::pair<bool, Report> wait() {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, kPace, [&] { return finished_; });
    return {finished_, std::exchange(report_, {})};
  }

 private:
  void add(bool event, const std::string& text) {
    const std::lock_guard lock(mutex_);
    report_.lines.emplace_back(event, text);
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  Report report_;
  bool finished_ = false;
};

void pass_on(const nb::object& progress, const Collected::Report& report) {
  if (progress.is_none()) return;
  for (const auto& [event, text] : report.lines) {
    progress.attr(event ? "event" : "line")(in_python(text));
  }
  if (report.updated) progress.attr("update")(report.done, report.total, in_python(report.note));
}

}  // namespace

MainThreadStop::MainThreadStop() {
  if (is_main_thread()) signals_.emplace(second_signal());
}

std::string run_watched(
    const nb::object& progress,
    const std::function<std::string(Progress& progress, const StopToken& stop)>& work) {
  const MainThreadStop signals;
  StopToken stop;  // of the signals, and of what is raised here
  Collected collected;
  std::string result;
  std::exception_ptr failed, raised;
  {
    nb::gil_scoped_release free;
    std::thread worker([&] {
      try {
        result = work(collected, stop);
      } catch (...) {
        failed = std::current_exception();
      }
      collected.finish();
    });
    for (bool ended = false; !ended;) {
      auto [now, report] = collected.wait();
      ended = now;
      if (signals.token().requested()) stop.request();
      if (is_ending()) {
        // A thread that Python does not wait for: the work stops, and the process ends this thread.
        stop.request();
        worker.join();
        while (true) std::this_thread::sleep_for(std::chrono::hours(1));
      }
      nb::gil_scoped_acquire hold;
      try {
        if (!raised) pass_on(progress, report);
        if (!signals.in_main_thread() && !main_thread_lives()) stop.request();
      } catch (...) {
        raised = std::current_exception();
        stop.request();
      }
    }
    worker.join();
  }
  if (raised) std::rethrow_exception(raised);
  if (failed) std::rethrow_exception(failed);
  return result;
}

}  // namespace popaug::python
