#include "popaug/search/internal/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace popaug {
namespace {

constexpr size_t kLongestLine = size_t{16} << 20;
using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& doing) {
  throw Error("worker: cannot " + doing + ": " + std::strerror(errno));
}

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("make a pipe");
    read = ends[0];
    write = ends[1];
  }
  ~Pipe() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
  int release(int& end) { return std::exchange(end, -1); }
};

// In the child, between fork and exec: only what is safe there. Never returns.
[[noreturn]] void become(char* const* words, pid_t parent, int in, int out, int log, int report) {
  ::setpgid(0, 0);  // Ctrl-C reaches the master alone, which then stops its workers
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGXFSZ}) ::signal(number, SIG_DFL);
  if (::dup2(in, 0) >= 0 && ::dup2(out, 1) >= 0 && ::dup2(log, 2) >= 0) {
    ::execvp(words[0], words);
  }
  const int code = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &code, sizeof code);
  ::_exit(127);
}

}  // namespace

std::vector<std::string> split_command(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quoted = 0;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (c == '\\' && quoted != '\'' && i + 1 < command.size()) {
      word += command[++i];
      in_word = true;
    } else if (quoted != 0) {
      if (c == quoted) {
        quoted = 0;
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quoted = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (in_word) words.push_back(std::exchange(word, ""));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quoted != 0) throw UsageError("worker command " + quote(command) + ": a quote stays open");
  if (in_word) words.push_back(word);
  if (words.empty()) throw UsageError("the worker command is empty");
  return words;
}

NoPipeSignal::NoPipeSignal() {
  sigset_t pipe, before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
  blocked_before_ = sigismember(&before, SIGPIPE) == 1;
}

NoPipeSignal::~NoPipeSignal() {
  if (blocked_before_) return;
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  const timespec now{};
  while (::sigtimedwait(&pipe, nullptr, &now) == SIGPIPE) {
  }
  ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
}

WorkerProcess::WorkerProcess(const std::vector<std::string>& command, const fs::path& log) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  Pipe input, output, report;
  // Another worker may have left anything under this name: follow no link, wait for no FIFO.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  const int log_fd = ::open(log.c_str(), kFlags, 0644);
  if (log_fd < 0) throw Error(show_path(log) + ": cannot open: " + std::strerror(errno));
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(words.data(), parent, input.read, output.write, log_fd, report.write);
  ::close(log_fd);
  if (pid_ < 0) fail("start a process");
  ::setpgid(pid_, pid_);  // in both, so that it holds for whoever comes first
  ::close(report.release(report.write));
  int code = 0;
  if (::read(report.read, &code, sizeof code) == static_cast<ssize_t>(sizeof code)) {
    ::waitpid(pid_, nullptr, 0);
    throw UsageError("worker command: cannot start " + quote(command[0]) + ": " +
                     std::strerror(code));
  }
  to_ = input.release(input.write);
  from_ = output.release(output.read);
  ::fcntl(to_, F_SETFL, O_NONBLOCK);
  ::fcntl(from_, F_SETFL, O_NONBLOCK);
}

WorkerProcess::~WorkerProcess() {
  kill();
  close_input();
  if (from_ >= 0) ::close(from_);
}

void WorkerProcess::close_input() {
  if (to_ >= 0) ::close(std::exchange(to_, -1));
}

bool WorkerProcess::send(const Json& message) {
  if (to_ < 0) return false;
  const std::string line = json_line(message) + "\n";
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t n = ::write(to_, left.data(), left.size());
    if (n >= 0) {
      left.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd ready{to_, POLLOUT, 0};
      if (::poll(&ready, 1, 10000) <= 0) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool WorkerProcess::receive(std::vector<std::string>* lines) {
  char block[1 << 16];
  bool open = true;
  while (true) {
    const ssize_t n = ::read(from_, block, sizeof block);
    if (n > 0) {
      buffer_.append(block, static_cast<size_t>(n));
      if (buffer_.size() > kLongestLine) throw Error("it sent a line of more than 16 MiB");
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    open = n < 0 && errno == EAGAIN;
    break;
  }
  size_t begin = 0;
  for (size_t end; (end = buffer_.find('\n', begin)) != buffer_.npos; begin = end + 1) {
    lines->push_back(buffer_.substr(begin, end - begin));
  }
  buffer_.erase(0, begin);
  return open;
}

void WorkerProcess::reap(int status) {
  reaped_ = true;
  how_ = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                             : "status " + std::to_string(WEXITSTATUS(status));
}

bool WorkerProcess::wait(double seconds, std::string* how) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
  while (!reaped_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      reap(status);
    } else if (Clock::now() >= deadline) {
      return false;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  *how = how_;
  return true;
}

void WorkerProcess::kill() {
  // The group may hold children of a worker that itself is gone.
  ::kill(-pid_, SIGKILL);
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  reap(status);
}

std::string last_log_line(const fs::path& log) {
  constexpr off_t kMost = 4096;
  const int fd = ::open(log.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return "";
  // Read, not mapped: the worker may cut its own log at any moment.
  std::string tail(kMost, '\0');
  const off_t end = ::lseek(fd, 0, SEEK_END);
  const ssize_t n = ::pread(fd, tail.data(), tail.size(), std::max<off_t>(0, end - kMost));
  ::close(fd);
  if (n <= 0) return "";
  const std::string_view text = trim(std::string_view(tail).substr(0, static_cast<size_t>(n)));
  const size_t newline = text.rfind('\n');
  return printable_line(newline == text.npos ? text : text.substr(newline + 1), 300);
}

}  // namespace popaug
