#include "popaug/report/serve.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "popaug/report/html.h"
#include "popaug/report/live_view.h"
#include "popaug/report/svg.h"

namespace popaug {
namespace {

constexpr int kPollSeconds = 5;   // what pages above the limit are told
constexpr double kHeartbeat = 5;  // seconds between signs of life on a quiet event stream
constexpr int kPatience = 10;     // seconds for a slow client to take or send a piece
constexpr int kThreadsForRequests = 8;
constexpr size_t kLargestRequest = 4096;

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

}  // namespace

struct LiveServer::State {
  State(const fs::path& folder, const ServeOptions& given)
      : run(folder), options(given), view(folder, given.look_seconds) {}

  fs::path run;
  ServeOptions options;
  std::string token;
  LiveView view;
  httplib::Server server;
  int port = 0;
  std::atomic<int> pages{0};
  std::thread thread;

  void prepare();
  void add_routes();
  bool allow(const httplib::Request& request, httplib::Response& response);
  void events(httplib::Response& response);
};

// Answers requests that may not pass, and says whether the request goes on.
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
    response.set_content(view.now()->main, "text/html; charset=utf-8");
  });
  server.Get("/state.json", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(view.now()->state, "application/json");
  });
  server.Get("/events",
             [this](const httplib::Request&, httplib::Response& response) { events(response); });
  server.Get(R"(/files/.*)", [this](const httplib::Request& request, httplib::Response& response) {
    const auto file = served_file(run, request.path);
    if (!file) {
      response.status = 404;
      return;
    }
    response.set_content(read_file(*file, 256 << 20), "text/plain; charset=utf-8");
  });
}

void LiveServer::State::prepare() {
  // Not SO_REUSEPORT, the library's choice: two servers would share a port without a word.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_read_timeout(kPatience);
  server.set_write_timeout(kPatience);
  server.set_payload_max_length(kLargestRequest);
  server.set_keep_alive_timeout(2);
  const int threads = options.pages + kThreadsForRequests;
  server.new_task_queue = [threads] { return new httplib::ThreadPool(size_t(threads)); };
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
  if (!fs::is_directory(run)) {
    throw Error(show_path(run) + " is not a run directory: there is no such folder");
  }
  state_ = std::make_unique<State>(run, options);
  if (!is_loopback(options.host)) state_->token = make_token();
  state_->prepare();
  const std::string place = options.host + ":" + std::to_string(options.port);
  state_->port = options.port == 0 ? state_->server.bind_to_any_port(options.host)
                 : state_->server.bind_to_port(options.host, options.port) ? options.port
                                                                           : -1;
  if (state_->port < 0) {
    throw Error("nothing can be served at " + place +
                ": the port is in use or not allowed, or "
                "this machine has no such address; give another --port, or --port 0 for any");
  }
  state_->thread = std::thread([this] { state_->server.listen_after_bind(); });
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
  if (!state_->thread.joinable()) return;
  state_->view.end();
  // listen() may not have begun: stop() before that would be lost.
  while (!state_->server.is_running()) std::this_thread::yield();
  state_->server.stop();
  state_->thread.join();
}

}  // namespace popaug
