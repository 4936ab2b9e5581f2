// The progress line of long work: what, how far, time left.
#ifndef POPAUG_BASE_PROGRESS_H_
#define POPAUG_BASE_PROGRESS_H_

#include <cstdint>
#include <memory>
#include <string>

namespace popaug {

// Where progress goes. A library function reports to one of these and never prints itself.
// Thread safe.
class Progress {
 public:
  virtual ~Progress() = default;
  // `done` of `total` units; `note` is a few words ("best 71.3 %, member 4").
  virtual void update(double done, double total, const std::string& note) = 0;
  // A line that stays: a note or a warning.
  virtual void line(const std::string& text) = 0;
  // A step of the work for whoever watches ("round 3: member 5 copies member 1"). A log that nobody
  // watches leaves it out; the files of the work have it.
  virtual void event(const std::string& text) { line(text); }
};

// Discards everything.
Progress& silent_progress();

// Writes to stderr, with everything escaped that a terminal would obey. On a terminal one line that
// is rewritten a few times a second, and every event. Otherwise, in a log file or in CI, a plain
// line at the start, at most one every `plain_seconds`, and one at the end. Time left comes from
// the pace so far, which starts anew where `done` falls back: another piece of work has a pace of
// its own. finish() (or the destructor) leaves the cursor on a fresh line.
class TerminalProgress : public Progress {
 public:
  explicit TerminalProgress(const std::string& what, double plain_seconds = 60);
  ~TerminalProgress() override;
  void update(double done, double total, const std::string& note) override;
  void line(const std::string& text) override;
  void event(const std::string& text) override;
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace popaug

#endif  // POPAUG_BASE_PROGRESS_H_
