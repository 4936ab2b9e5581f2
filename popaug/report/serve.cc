#include "popaug/report/serve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <httplib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "popaug/report/html.h"
#include "popaug/report/http_front.h"
#include "popaug/report/internal/live_view.h"
#include "popaug/report/svg.h"

namespace popaug {
namespace {

constexpr int kPollSeconds = 5;   // what pages above the limit are told
constexpr double kHeartbeat = 5;  // seconds between signs of life on a quiet event stream
constexpr int kThreadsForRequests = 8;
constexpr int kBacklog = 128;         // connections that the kernel keeps for us
constexpr size_t kPiece = 64 * 1024;  // of a file, read and sent at a time

std::string make_token() {
  std::array<uint8_t, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != ssize_t(bytes.size())) {
    throw Error("the system gives no random numbers, so no token can be made");
  }
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// In constant time, so that answers do not tell how much of a guess was right.
bool same_secret(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= unsigned(a[i] ^ b[i]);
  return difference == 0;
}

// Whether a Cookie header carries the token.
bool cookie_has(const std::string& header, const std::string& token) {
  for (const std::string& item : split(header, ';')) {
    const std::string_view word = trim(item);
    if (word.starts_with("popaug=") && same_secret(std::string(word.substr(7)), token)) return true;
  }
  return false;
}

constexpr char kPage[] = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>popaug</title>
<link rel="stylesheet" href="page.css">
<link rel="icon" href="data:,">
</head>
<body>
<header><h1>popaug: live</h1><nav aria-label="Parts"></nav>
<p id="connection" role="status">connecting</p></header>
<main><p>loading</p></main>
<script src="d3.js"></script>
<script src="report.js"></script>
<script src="live.js"></script>
</body>
</html>
)";

// What the HTTP library reads and writes while it answers one request.
class HeadStream : public httplib::Stream {
 public:
  HeadStream(std::string_view head, ClientConnection& client) : head_(head), client_(client) {}
  bool is_readable() const override { return !head_.empty(); }
  bool is_writable() const override { return client_.open(); }
  ssize_t read(char* to, size_t size) override {
    const size_t count = std::min(size, head_.size());
    head_.copy(to, count);
    head_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, size_t size) override {
    return client_.send({from, size}) ? static_cast<ssize_t>(size) : -1;
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return client_.descriptor(); }

 private:
  std::string_view head_;
  ClientConnection& client_;
};

// The library's routes and answers without its way of taking connections (http_front.h).
class Routes : public httplib::Server {
 public:
  ~Routes() override { close_listener(); }
  void answer(const std::string& head, ClientConnection& client) {
    HeadStream stream(head, client);
    bool closed = false;
    process_request(stream, true, closed, [](httplib::Request&) {});
  }
  // The port, or -1.
  int open_listener(const std::string& host, int port) {
    if (port == 0) {
      port = bind_to_any_port(host);
    } else if (!bind_to_port(host, port)) {
      port = -1;
    }
    if (port >= 0) ::listen(svr_sock_, kBacklog);
    return port;
  }
  int listener() const { return svr_sock_; }
  void close_listener() {
    const int socket = svr_sock_.exchange(INVALID_SOCKET);
    if (socket != INVALID_SOCKET) ::close(socket);
  }

 private:
  bool process_and_close_socket(socket_t) override { return false; }
};

// A regular file that is open for reading. Throws Error if it is not one: it may have been
// exchanged since its name was checked.
class OpenFile {
 public:
  explicit OpenFile(const fs::path& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {
    struct stat status {};
    if (number_ < 0 || ::fstat(number_, &status) != 0 || !S_ISREG(status.st_mode)) {
      if (number_ >= 0) ::close(number_);
      throw Error(show_path(path) + " cannot be read");
    }
    size_ = static_cast<size_t>(status.st_size);
  }
  ~OpenFile() { ::close(number_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  size_t size() const { return size_; }
  // Sends a piece from `offset`; false at a failure, such as a file that has become shorter.
  bool send(size_t offset, size_t length, httplib::DataSink& sink) const {
    std::array<char, kPiece> piece;
    const ssize_t n =
        ::pread(number_, piece.data(), std::min(length, piece.size()), static_cast<off_t>(offset));
    return n > 0 && sink.write(piece.data(), static_cast<size_t>(n));
  }

 private:
  int number_;
  size_t size_ = 0;
};

void send_file(const fs::path& path, httplib::Response& response) {
  constexpr char kType[] = "text/plain; charset=utf-8";
  const auto file = std::make_shared<OpenFile>(path);
  if (file->size() == 0) return response.set_content("", kType);
  response.set_content_provider(file->size(), kType,
                                [file](size_t offset, size_t length, httplib::DataSink& sink) {
                                  return file->send(offset, length, sink);
                                });
}

// Sends a text that `keeper` owns, without a copy for each client.
template <typename Keeper>
void send_text(Keeper keeper, const std::string& text, const char* type,
               httplib::Response& response) {
  response.set_content_provider(
      text.size(), type, [keeper, &text](size_t offset, size_t length, httplib::DataSink& sink) {
        return sink.write(text.data() + offset, std::min(length, kPiece));
      });
}

}  // namespace

struct LiveServer::State {
  State(const fs::path& folder, const ServeOptions& given)
      : run(folder), options(given), view(folder, given.look_seconds) {}

  fs::path run;
  ServeOptions options;
  std::string token;
  LiveView view;
  Routes server;
  int port = 0;
  std::atomic<int> pages{0};
  std::unique_ptr<HttpFront> front;

  void prepare();
  void add_routes();
  bool allow(const httplib::Request& request, httplib::Response& response);
  void events(httplib::Response& response);
};

// Answers requests that may not pass, and says whether the request continues.
bool LiveServer::State::allow(const httplib::Request& request, httplib::Response& response) {
  const auto refuse = [&](int status, const std::string& why) {
    response.status = status;
    response.set_content(why + "\n", "text/plain; charset=utf-8");
    return false;
  };
  if (request.method != "GET" && request.method != "HEAD") return refuse(405, "read only");
  if (!host_is_allowed(request.get_header_value("Host"), options.host, port)) {
    return refuse(403, "this server does not answer to that name");
  }
  if (token.empty()) return true;
  if (cookie_has(request.get_header_value("Cookie"), token)) return true;
  if (same_secret(request.get_param_value("token"), token)) {
    response.set_header("Set-Cookie", "popaug=" + token + "; HttpOnly; SameSite=Strict; Path=/");
    if (request.path != "/") return true;
    response.set_redirect("/");  // the token leaves the address line
    return false;
  }
  return refuse(403, "this page needs the token that popaug serve printed");
}

void LiveServer::State::events(httplib::Response& response) {
  if (pages.fetch_add(1) >= options.pages) {
    pages.fetch_sub(1);
    response.set_content(fmt::format("event: poll\ndata: {}\n\n", kPollSeconds),
                         "text/event-stream");
    return;
  }
  auto seen = std::make_shared<int64_t>(0);
  response.set_chunked_content_provider(
      "text/event-stream",
      [this, seen](size_t, httplib::DataSink& sink) {
        const auto snapshot = view.wait(*seen, kHeartbeat);
        if (view.ended()) {
          sink.done();
          return true;
        }
        std::string text = ": still here\n\n";
        if (snapshot->version != *seen) {
          *seen = snapshot->version;
          text = fmt::format("event: update\nid: {}\ndata: {}\n\n", *seen, *seen);
        }
        return sink.write(text.data(), text.size());
      },
      [this](bool) { pages.fetch_sub(1); });
}

void LiveServer::State::add_routes() {
  const auto text = [this](const std::string& path, std::string_view body, const char* type) {
    server.Get(path, [body, type](const httplib::Request&, httplib::Response& response) {
      response.set_content(body.data(), body.size(), type);
    });
  };
  text("/", kPage, "text/html; charset=utf-8");
  text("/page.css", page_style(), "text/css; charset=utf-8");
  text("/d3.js", d3_script(), "text/javascript; charset=utf-8");
  text("/report.js", report_script(), "text/javascript; charset=utf-8");
  text("/live.js", live_script(), "text/javascript; charset=utf-8");
  server.Get("/main.html", [this](const httplib::Request&, httplib::Response& response) {
    const auto snapshot = view.now();
    send_text(snapshot, snapshot->main, "text/html; charset=utf-8", response);
  });
  server.Get("/state.json", [this](const httplib::Request&, httplib::Response& response) {
    const auto snapshot = view.now();
    send_text(snapshot, snapshot->state, "application/json", response);
  });
  server.Get("/events",
             [this](const httplib::Request&, httplib::Response& response) { events(response); });
  server.Get(R"(/files/.*)", [this](const httplib::Request& request, httplib::Response& response) {
    const auto file = served_file(run, request.path);
    if (!file) {
      response.status = 404;
      return;
    }
    send_file(*file, response);
  });
}

void LiveServer::State::prepare() {
  // Not SO_REUSEPORT, the library's choice: two servers would share a port without a word.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_default_headers(
      {{"Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
       {"X-Content-Type-Options", "nosniff"},
       {"Referrer-Policy", "no-referrer"},
       {"Cache-Control", "no-store"},
       {"Cross-Origin-Resource-Policy", "same-origin"}});
  server.set_pre_routing_handler(
      [this](const httplib::Request& request, httplib::Response& response) {
        return allow(request, response) ? httplib::Server::HandlerResponse::Unhandled
                                        : httplib::Server::HandlerResponse::Handled;
      });
  server.set_exception_handler([](const httplib::Request&, httplib::Response& response,
                                  const std::exception_ptr&) { response.status = 500; });
  add_routes();
}

LiveServer::LiveServer(const fs::path& run, const ServeOptions& options) {
  std::error_code ignored;
  if (!fs::is_directory(run, ignored)) {
    throw Error(show_path(run) + " is not a run directory: there is no such folder");
  }
  state_ = std::make_unique<State>(run, options);
  if (!is_loopback(options.host)) state_->token = make_token();
  state_->prepare();
  const std::string place = options.host + ":" + std::to_string(options.port);
  state_->port = state_->server.open_listener(options.host, options.port);
  if (state_->port < 0) {
    throw Error("nothing can be served at " + place +
                ": the port is in use or not allowed, or "
                "this machine has no such address; give another setting \"port\", or 0 for any "
                "port");
  }
  state_->front = std::make_unique<HttpFront>(
      state_->server.listener(), options.pages + kThreadsForRequests, FrontLimits{},
      [state = state_.get()](const std::string& head, ClientConnection& client) {
        state->server.answer(head, client);
      });
}

LiveServer::~LiveServer() { stop(); }

int LiveServer::port() const { return state_->port; }

std::string LiveServer::url() const {
  const std::string& host = state_->options.host;
  const std::string shown = host.find(':') != host.npos && host[0] != '[' ? "[" + host + "]" : host;
  return "http://" + shown + ":" + std::to_string(state_->port) + "/" +
         (state_->token.empty() ? "" : "?token=" + state_->token);
}

void LiveServer::stop() {
  state_->view.end();
  if (state_->front) state_->front->stop();
  state_->server.close_listener();
}

}  // namespace popaug
