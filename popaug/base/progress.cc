#include "popaug/base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>

#include "popaug/base/escape.h"
#include "popaug/base/text.h"

namespace popaug {
namespace {

using Clock = std::chrono::steady_clock;

class SilentProgress : public Progress {
 public:
  void update(double, double, const std::string&) override {}
  void line(const std::string&) override {}
  void event(const std::string&) override {}
};

size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 80;
}

// At most so many characters, each taken as a column.
std::string first_columns(std::string_view text, size_t columns) {
  size_t bytes = 0;
  for (; columns > 0 && bytes < text.size(); --columns) {
    bytes += std::max<size_t>(1, utf8_length(text.substr(bytes)));
  }
  return std::string(text.substr(0, bytes));
}

}  // namespace

Progress& silent_progress() {
  static SilentProgress instance;
  return instance;
}

struct TerminalProgress::State {
  std::mutex mutex;
  std::string what;
  double plain_seconds;
  bool terminal = ::isatty(STDERR_FILENO) != 0;
  Clock::time_point start = Clock::now();
  Clock::time_point piece_start = start;
  Clock::time_point shown{};
  double first_done = -1, last_done = -1;  // of the piece of work
  std::string last;
  std::string printed;   // the plain line before: the same is not said twice
  bool open = false;     // a rewritable line stands on the terminal
  bool current = false;  // `last` has been shown

  double since(Clock::time_point t) const {
    return std::chrono::duration<double>(Clock::now() - t).count();
  }
  void show() {
    if (terminal) {
      const std::string text = first_columns(last, terminal_width() - 1);
      std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
      open = true;
    } else if (last != printed) {
      std::fprintf(stderr, "%s\n", last.c_str());
      printed = last;
    }
    std::fflush(stderr);
    shown = Clock::now();
    current = true;
  }
};

TerminalProgress::TerminalProgress(const std::string& what, double plain_seconds)
    : state_(std::make_unique<State>()) {
  state_->what = printable_line(what);
  state_->plain_seconds = plain_seconds;
}

TerminalProgress::~TerminalProgress() { finish(); }

void TerminalProgress::update(double done, double total, const std::string& note) {
  std::lock_guard lock(state_->mutex);
  State& s = *state_;
  if (s.first_done < 0) s.first_done = done;
  if (done - s.first_done < (s.last_done - s.first_done) / 2) {
    // Another piece of work: what came before tells nothing of its pace.
    s.piece_start = Clock::now();
    s.first_done = done;
  }
  s.last_done = done;
  const double gained = done - s.first_done;
  char head[96];
  std::snprintf(head, sizeof head, " %3.0f %%", total > 0 ? 100 * done / total : 0.0);
  s.last = s.what + head;
  if (gained > 0 && done < total) {
    s.last += ", " + duration_text(s.since(s.piece_start) / gained * (total - done)) + " left";
  } else if (done >= total) {
    s.last += ", " + duration_text(s.since(s.start));
  }
  if (!note.empty()) s.last += ", " + printable_line(note);
  s.current = false;
  const double interval = s.terminal ? 0.2 : s.plain_seconds;
  const bool complete = s.terminal && done >= total;  // without a terminal, finish() says it
  if (s.shown == Clock::time_point{} || complete || s.since(s.shown) >= interval) s.show();
}

void TerminalProgress::line(const std::string& text) {
  std::lock_guard lock(state_->mutex);
  if (state_->open) std::fprintf(stderr, "\r\x1b[K");
  std::fprintf(stderr, "%s\n", printable(text).c_str());
  if (state_->open) state_->show();
}

void TerminalProgress::event(const std::string& text) {
  if (state_->terminal) line(text);
}

void TerminalProgress::finish() {
  std::lock_guard lock(state_->mutex);
  if (!state_->current && !state_->last.empty()) state_->show();
  if (state_->open) std::fprintf(stderr, "\n");
  state_->open = false;
}

}  // namespace popaug
