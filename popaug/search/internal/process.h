// A worker process seen from the master: started, spoken to, ended. Private to the room.
#ifndef POPAUG_SEARCH_INTERNAL_PROCESS_H_
#define POPAUG_SEARCH_INTERNAL_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// Words of a command as docs/formats/worker.md splits them. UsageError for an open quote or an
// empty command.
std::vector<std::string> split_command(std::string_view command);

// While it lives, a write to a process that is gone gives an error instead of a signal, in this
// thread.
class NoPipeSignal {
 public:
  NoPipeSignal();
  ~NoPipeSignal();
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  bool blocked_before_ = false;
};

// Ended (with its process group) and reaped at the latest by the destructor. To be used by the
// thread that made it: the kernel kills the child when that thread ends.
class WorkerProcess {
 public:
  // Standard error is appended to `log`. Throws Error if the program cannot be started.
  WorkerProcess(const std::vector<std::string>& command, const fs::path& log);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Readable when the worker has said something or has ended.
  int descriptor() const { return from_; }
  // One message; false if the worker does not take it (gone, or not reading for 10 s).
  bool send(const Json& message);
  void close_input();
  // What has been said so far, whole lines without their newline. False at the end of its output.
  // Throws Error for a line above 16 MiB.
  bool receive(std::vector<std::string>* lines);
  // Waits for the process to end by itself; true if it did, with "status 3" or "signal 9".
  bool wait(double seconds, std::string* how);
  // Kills the process group, and reaps.
  void kill();

 private:
  void reap(int status);

  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
  bool reaped_ = false;
  std::string how_, buffer_;
};

// The last line of a worker's log, for a message; "" if there is none.
std::string last_log_line(const fs::path& log);

}  // namespace popaug

#endif  // POPAUG_SEARCH_INTERNAL_PROCESS_H_
