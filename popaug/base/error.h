// Users' mistakes and the world's failures, as sentences. A bug is an assertion instead.
#ifndef POPAUG_BASE_ERROR_H_
#define POPAUG_BASE_ERROR_H_

#include <exception>
#include <stdexcept>
#include <string>

namespace popaug {

// Exit codes of the program (docs/architecture.md#command-line).
enum class ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kInterrupted = 130 };

// The one exception type for what is not a bug. The message is a sentence for the user: what was
// read, where, what was expected, what to do. Thrown where the fact is known. Only the program
// turns it into text on stderr and an exit code (cli/guard.cc).
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence, ExitCode code = ExitCode::kFailed)
      : std::runtime_error(sentence), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// A wrong flag, setting or argument: exit code 2.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& sentence) : Error(sentence, ExitCode::kUsage) {}
};

// Work stopped cleanly because the user asked for it: exit code 130.
class Interrupted : public Error {
 public:
  explicit Interrupted(const std::string& sentence) : Error(sentence, ExitCode::kInterrupted) {}
};

// What an exception says to a user, for any that can be caught: an Error's own sentence, "out of
// memory", the system's reason with the path. "unexpected: ..." is left for what only a bug throws.
std::string sentence_of(const std::exception_ptr& exception);

// Prints file, line and the condition, then aborts: for broken invariants of our own.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

#define POPAUG_ASSERT(condition) \
  ((condition) ? void(0) : ::popaug::assertion_failed(#condition, __FILE__, __LINE__))

}  // namespace popaug

#endif  // POPAUG_BASE_ERROR_H_
