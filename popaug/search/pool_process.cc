// Process workers: one thread speaks with all of them (docs/formats/worker.md).
//
// Each worker has a slot, which outlives its process. A slot is always in one of four states:
//
//   no process -> started -> idle -> busy -> idle ...
//
// One loop moves the slots: serve() starts a missing process and gives work to an idle one;
// listen() waits for messages of any of them with poll(), for 200 ms at most, so that silence and a
// request to stop are noticed; hear() reads whole lines and take() acts on them. One thread is
// enough, because the workers do the work and the messages are short. It also means that no state
// needs a lock.
//
// Whatever goes wrong with a worker ends in lose(): it crashed, it was silent for too long, its
// message makes no sense, or its checkpoint is not what it said. The process is killed, and its
// round goes back to the run, which gives it to any worker and counts the attempts. The next turn
// of the loop starts a new process in the slot. A process that fails before it has done any work
// counts separately (kStarts), because the command itself is then probably wrong.
#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <cmath>

#include "popaug/search/internal/pool.h"
#include "popaug/search/internal/process.h"
#include "popaug/search/worker.h"

namespace popaug {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kStarts = 3;  // in a row without work being done, before the command is given up

struct Slot {
  std::unique_ptr<WorkerProcess> process;
  std::string name;
  fs::path log;
  bool greeted = false;
  std::optional<RoundWork> work;
  double share = 0;
  int failed_starts = 0;
  Clock::time_point heard;

  bool waits_for_word() const { return process && (!greeted || work); }
};

class ProcessPool {
 public:
  ProcessPool(SearchRun& run, const SearchSettings& settings, const RunOptions& options,
              int workers)
      : run_(run),
        settings_(settings),
        options_(options),
        command_(split_command(options.worker_command)),
        slots_(static_cast<size_t>(workers)) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      slots_[i].name = "process " + std::to_string(i);
      slots_[i].log = options.directory / fmt::format("worker-{}.log", i);
    }
  }

  void work(Progress& progress, const StopToken& stop) {
    const NoPipeSignal guard;
    while (!run_.finished() && !stop.requested()) {
      for (Slot& slot : slots_) serve(slot);
      listen();
      for (Slot& slot : slots_) check_silence(slot);
      show(progress);
    }
    for (Slot& slot : slots_) {
      if (slot.work) run_.give_back(*slot.work, "", slot.name);
    }
    end_all();
    show(progress);
  }

 private:
  void serve(Slot& slot) {
    if (!slot.process) {
      slot.process = std::make_unique<WorkerProcess>(command_, slot.log);
      slot.greeted = false;
      slot.heard = Clock::now();
      run_.log("worker", {{"worker", slot.name}, {"pid", slot.process->pid()}});
    }
    if (!slot.greeted || slot.work || run_.finished()) return;
    slot.work = run_.take();
    if (!slot.work) return;
    slot.heard = Clock::now();
    if (!slot.process->send(run_message(*slot.work, settings_, options_.worker_settings)))
      lose(slot, "does not accept messages");
  }

  void listen() {
    std::vector<pollfd> ready;
    std::vector<Slot*> by;
    for (Slot& slot : slots_) {
      if (!slot.process) continue;
      ready.push_back({slot.process->descriptor(), POLLIN, 0});
      by.push_back(&slot);
    }
    ::poll(ready.data(), ready.size(), by.size() < slots_.size() ? 0 : 200);
    for (size_t i = 0; i < ready.size(); ++i) {
      if (ready[i].revents != 0) hear(*by[i]);
    }
  }

  void hear(Slot& slot) {
    std::vector<std::string> lines;
    bool open = true;
    try {
      open = slot.process->receive(&lines);
    } catch (const Error& error) {
      return lose(slot, error.what());
    }
    slot.heard = Clock::now();
    for (const std::string& line : lines) {
      if (!slot.process) return;  // lost over an earlier line
      WorkerMessage message;
      try {
        message = parse_worker_message(line);
      } catch (const Error& error) {
        return lose(slot, std::string("answered nonsense: ") + error.what());
      }
      take(slot, message);
    }
    if (!open && slot.process) ended(slot);
  }

  void take(Slot& slot, const WorkerMessage& message) {
    using Kind = WorkerMessage::Kind;
    if ((message.kind == Kind::kHello) == slot.greeted) {
      return lose(slot, slot.greeted ? "sent hello twice" : "sent another message before hello");
    }
    if (message.kind == Kind::kHello) {
      if (message.protocol != kWorkerProtocol) {
        throw Error(fmt::format(
            "the worker {} speaks protocol version {}, this program version {}; use a worker of "
            "the same version. The search can be continued with setting \"resume\"",
            quote(message.name), message.protocol, kWorkerProtocol));
      }
      slot.greeted = true;
      return;
    }
    if (!slot.work) return lose(slot, "answered without being asked");
    if (message.kind == Kind::kProgress) {
      slot.share = message.share;
    } else if (message.kind == Kind::kFailed) {
      give_back(slot, message.error);
    } else {
      done(slot, message);
    }
  }

  void done(Slot& slot, const WorkerMessage& message) {
    FinishedRound finished{*slot.work, message.result, slot.name};
    const fs::path bits = correct_file(finished.work.to);
    std::optional<std::string> why;
    try {
      if (message.has_correct) finished.result.correct = read_correct_file(bits);
      std::error_code error;
      fs::remove(bits, error);
      why = run_.fault(finished);
      const uintmax_t size = fs::file_size(finished.work.to, error);
      const bool diverged = !std::isfinite(finished.result.score);
      if (!why && !diverged && static_cast<int64_t>(size) != message.bytes) {
        why =
            fmt::format("the checkpoint has {} bytes, but the worker says {}", size, message.bytes);
      }
      // A worker that still writes, or cuts the file, has failed this round. tell() would stop the
      // search over it, as over a disk that fails.
      if (!why && !diverged && !regular_file_checksum(finished.work.to)) {
        why = "the checkpoint changed while it was read";
      }
    } catch (const Error& error) {
      why = error.what();
    }
    if (why) return lose(slot, "gave a result that is not accepted: " + *why);
    slot.work.reset();
    slot.share = 0;
    slot.failed_starts = 0;
    run_.tell({&finished, 1});
  }

  void ended(Slot& slot) {
    std::string how = "no status";
    slot.process->wait(1, &how);
    lose(slot, "ended with " + how);
  }

  void check_silence(Slot& slot) {
    if (!slot.waits_for_word()) return;
    const std::chrono::duration<double> silence = Clock::now() - slot.heard;
    if (silence.count() > options_.silence_seconds) {
      lose(slot, fmt::format("has been silent for {:.0f} s", silence.count()));
    }
  }

  // The process goes; its work is given to another.
  void lose(Slot& slot, const std::string& what) {
    slot.process.reset();
    std::string reason = "the worker " + what;
    const std::string last = last_log_line(slot.log);
    if (!last.empty()) reason += " (last line of " + show_path(slot.log) + ": " + last + ")";
    if (slot.work) return give_back(slot, reason);
    run_.log("failed", {{"worker", slot.name}, {"reason", reason}});
    if (++slot.failed_starts >= kStarts) {
      throw Error(fmt::format("the worker command {} failed {} times in a row: {}",
                              quote(options_.worker_command), kStarts, reason));
    }
  }

  void give_back(Slot& slot, const std::string& reason) {
    const RoundWork work = *slot.work;
    slot.work.reset();
    slot.share = 0;
    std::error_code ignored;
    fs::remove(correct_file(work.to), ignored);
    run_.give_back(work, reason, slot.name);
  }

  void show(Progress& progress) {
    double begun = 0;
    for (const Slot& slot : slots_) begun += slot.share;
    for (const std::string& line : run_.news()) progress.event(line);
    progress.update(static_cast<double>(run_.done()) + begun, static_cast<double>(run_.total()),
                    run_.note());
  }

  // Politely, then not.
  void end_all() {
    for (Slot& slot : slots_) {
      if (!slot.process) continue;
      slot.process->send({{"type", "stop"}});
      slot.process->close_input();
    }
    const auto deadline = Clock::now() + std::chrono::seconds(3);
    std::string how;
    for (Slot& slot : slots_) {
      const std::chrono::duration<double> left = deadline - Clock::now();
      if (slot.process) slot.process->wait(std::max(0.0, left.count()), &how);
      slot.process.reset();
    }
  }

  SearchRun& run_;
  const SearchSettings& settings_;
  const RunOptions& options_;
  std::vector<std::string> command_;
  std::vector<Slot> slots_;
};

}  // namespace

void run_processes(SearchRun& run, const SearchSettings& settings, const RunOptions& options,
                   int workers, Progress& progress, const StopToken& stop) {
  ProcessPool(run, settings, options, workers).work(progress, stop);
}

}  // namespace popaug
