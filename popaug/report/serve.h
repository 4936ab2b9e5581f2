// The live page of a run: read only, over HTTP (docs/formats/live.md).
#ifndef POPAUG_REPORT_SERVE_H_
#define POPAUG_REPORT_SERVE_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "popaug/base/base.h"

namespace popaug {

struct ServeOptions {
  std::string host = "127.0.0.1";  // anything but loopback needs a token, which is then made
  int port = 8750;                 // 0: any free one
  int pages = 16;                  // that get events; more are told to poll
  double look_seconds = 1;         // between looks at the run directory
};

// Serves until stop() or destruction, on threads of its own. Thread safe.
class LiveServer {
 public:
  // Opens the port. Throws Error if `run` is not a folder, the port is in use or not allowed.
  LiveServer(const fs::path& run, const ServeOptions& options);
  ~LiveServer();
  LiveServer(const LiveServer&) = delete;
  LiveServer& operator=(const LiveServer&) = delete;
  int port() const;
  // What to open in a browser, with the token if there is one.
  std::string url() const;
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The file of the run that the path of a request names ("/files/result.json"), if it is one of the
// few that the page offers, and a regular file inside the run directory itself: no folder, no link
// that leads out of it. Nothing for everything else.
std::optional<fs::path> served_file(const fs::path& run, std::string_view request_path);

// Whether a Host header names this server: its own address or a loopback name, so that a page of
// another site cannot reach it by a name of its own.
bool host_is_allowed(std::string_view host_header, const std::string& host, int port);

// Whether an address is of this machine alone.
bool is_loopback(const std::string& host);

}  // namespace popaug

#endif  // POPAUG_REPORT_SERVE_H_
