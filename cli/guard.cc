#include "cli/guard.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include "cli/output.h"
#include "cli/settings_flags.h"

namespace popaug::cli {
namespace {

constexpr int kFailed = static_cast<int>(ExitCode::kFailed);
bool verb_has_ended = false;

// A sentence may contain a name from a file, which has any length.
constexpr size_t kLongestSentence = 16000;

void say(const std::string& sentence) {
  const bool cut = sentence.size() > kLongestSentence;
  const std::string text = printable(std::string_view(sentence).substr(0, kLongestSentence));
  std::fprintf(stderr, "popaug: %s%s\n", text.c_str(), cut ? "..." : "");
}

// Text without allocation: the memory may be used up.
void say_plainly(const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

// An exception left a thread or a function that must not throw.
[[noreturn]] void end_unhandled() {
  const char* text = "popaug: a part of the program ended without a reason\n";
  if (const std::exception_ptr error = std::current_exception()) {
    try {
      std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
      text = "popaug: out of memory\n";
    } catch (const std::exception& other) {
      say_plainly("popaug: ");
      say_plainly(other.what());
      text = "\n";
    } catch (...) {
      text = "popaug: a library threw something that is not an exception\n";
    }
  }
  say_plainly(text);
  std::_Exit(kFailed);
}

void end_of_process() {
  if (verb_has_ended) return;
  say_plainly("popaug: a plugin or a library ended the program before the verb was done\n");
  std::_Exit(kFailed);
}

}  // namespace

void secure_standard_descriptors() {
  // From the lowest, so that open() takes exactly the number that is closed.
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // Standard output read only: a write fails with "Bad file descriptor", as if it were closed.
    const int mode = number == STDERR_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", mode) != number) std::_Exit(kFailed);
  }
}

int run_guarded(const std::function<int()>& verb) {
  std::set_terminate(end_unhandled);
  std::atexit(end_of_process);
  // A write past the limit of a file's size (ulimit -f) then fails with a reason.
  std::signal(SIGXFSZ, SIG_IGN);
  int code = kFailed;
  try {
    code = verb();
    finish_output();
  } catch (const Error& error) {
    code = static_cast<int>(error.code());
    say(name_flags(error.what()));
  } catch (...) {
    code = kFailed;
    say(sentence_of(std::current_exception()));
  }
  verb_has_ended = true;
  return code;
}

}  // namespace popaug::cli
