#include "popaug/base/error.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <system_error>

#include "popaug/base/escape.h"
#include "popaug/base/text.h"

namespace popaug {

std::string sentence_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return error.what();
  } catch (const std::bad_alloc&) {
    return "out of memory";
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string reason = error.code().message();
    return error.path1().empty() ? "a file cannot be used: " + reason
                                 : show_path(error.path1()) + ": cannot be used: " + reason;
  } catch (const std::system_error& error) {
    return "the system refuses a thread, a lock or a stream: " + error.code().message();
  } catch (const std::length_error&) {
    return "out of memory: something is larger than this machine can address";
  } catch (const std::exception& error) {
    const std::string_view what = error.what();
    // libtorch's allocator throws a type of its own.
    if (what.find("can't allocate memory") != what.npos ||
        what.find("out of memory") != what.npos) {
      return "out of memory: " + printable_line(what.substr(0, what.find('\n')), 300);
    }
    return "unexpected: " + std::string(what);
  } catch (...) {
    return "unexpected: something was thrown that is not an exception";
  }
}

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\nThis is a bug in popaug.\n", file, line,
               condition);
  std::abort();
}

}  // namespace popaug
