#include "cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/settings_flags.h"

namespace popaug::cli {
namespace {

[[noreturn]] void refuse(int code) {
  throw Error(std::string("standard output cannot be written: ") + std::strerror(code));
}

}  // namespace

void print_coloured(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) refuse(errno);
}

void print_text(std::string_view text) { print_coloured(printable(text)); }

bool is_standard_output(std::string_view path) {
  return path.empty() || path == "-" || path == "/dev/stdout" || path == "/dev/fd/1" ||
         path == "/proc/self/fd/1";
}

void write_output(const std::string& path, std::string_view bytes) {
  if (!is_standard_output(path)) {
    write_output_file(path, bytes);
  } else if (::isatty(STDOUT_FILENO) != 0) {
    print_text(bytes);
  } else {
    print_coloured(bytes);
  }
}

void print_json(const Json& value) { write_output("-", json_pretty(value)); }

void write_binary_output(const std::string& path, std::string_view bytes) {
  if (is_standard_output(path) && ::isatty(STDOUT_FILENO) != 0) {
    throw UsageError("this is not text: name a file, or send standard output to one with >");
  }
  write_output(path, bytes);
}

void refuse_standard_output(std::string_view flag, const std::string& path) {
  if (path != "-") return;
  throw UsageError(std::string(flag) +
                   ": - means standard output, which cannot take this; for a name of one dash "
                   "write ./-");
}

void print_note(std::string_view kind, std::string_view text) {
  const std::string sentence = printable(name_flags(std::string(text)));
  std::fprintf(stderr, "%s: %s\n", std::string(kind).c_str(), sentence.c_str());
}

void finish_output() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) refuse(errno == 0 ? EIO : errno);
}

}  // namespace popaug::cli
