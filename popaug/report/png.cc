// SVG to PNG by rsvg-convert, run as a program (docs/architecture.md#dependencies).
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "popaug/report/picture.h"

namespace popaug {
namespace {

constexpr int kNotFound = 127;

// Runs the program with its standard streams connected to nothing; returns its wait status.
int run_quietly(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) throw Error(std::string("no process can be started: ") + std::strerror(errno));
  if (child == 0) {
    // Makes only calls that are safe between fork and exec in a program with threads.
    const int nothing = open("/dev/null", O_RDWR);
    for (int stream = 0; stream <= 2; ++stream) dup2(nothing, stream);
    execvp(arguments[0], arguments.data());
    _exit(kNotFound);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

std::string svg_to_png(const std::string& svg, double zoom) {
  const TemporaryFolder folder;
  const fs::path from = folder.path() / "picture.svg", to = folder.path() / "picture.png";
  write_file_atomic(from, svg);
  const int status = run_quietly({"rsvg-convert", "--zoom", number_text(zoom), "--format", "png",
                                  "--output", to.string(), from.string()});
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotFound) {
    throw Error(
        "PNG pictures are made by the program rsvg-convert, which is not installed: "
        "install the package librsvg2-bin, or write .svg");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !fs::exists(to)) {
    throw Error("rsvg-convert could not make a PNG of the picture; write .svg instead");
  }
  return read_file(to);
}

}  // namespace popaug
