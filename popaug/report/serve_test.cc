// The live page's server, spoken to in bytes.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "popaug/report/report.h"

namespace popaug {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Connection {
 public:
  explicit Connection(int port) : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(uint16_t(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{30, 0};  // a test that hangs fails instead
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Connection() { close(descriptor_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  bool connected() const { return connected_; }
  void send_text(const std::string& text) {
    EXPECT_EQ(send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
  }
  // Until `wanted` is in what came, or the other side closes.
  std::string read_until(const std::string& wanted) {
    std::string text;
    char bytes[4096];
    int quiet = 0;
    while (wanted.empty() || text.find(wanted) == text.npos) {
      const ssize_t count = recv(descriptor_, bytes, sizeof bytes, 0);
      if (count <= 0) break;
      if (text.size() > 2 << 20) break;  // signs of life alone: nothing more will come
      if (text.ends_with("still here\n\n\r\n") && ++quiet > 6) break;
      text.append(bytes, size_t(count));
    }
    return text;
  }

 private:
  int descriptor_;
  bool connected_ = false;
};

std::string request(int port, const std::string& line, const std::string& headers = "") {
  Connection connection(port);
  connection.send_text(line + " HTTP/1.1\r\nConnection: close\r\n" +
                       (headers.find("Host:") == headers.npos ? "Host: localhost\r\n" : "") +
                       headers + "\r\n");
  return connection.read_until("");
}

std::string get(int port, const std::string& path, const std::string& headers = "") {
  return request(port, "GET " + path, headers);
}

// A run of a few rounds; the rest of its journal can follow.
class ReportServe : public ::testing::Test {
 protected:
  void SetUp() override {
    SearchSettings settings;
    settings.population = 4;
    settings.epochs = 6;
    settings.epochs_per_round = 2;
    settings.space = space_by_name("pba");
    Population population(settings);
    JournalWriter writer(settings);
    lines_ = writer.header(population);
    for (int round = 0; round < 3; ++round) {
      if (round == 1) first_ = lines_.size();
      for (int member = 0; member < 4; ++member) {
        JournalResult result;
        result.round = round;
        result.member = member;
        result.epochs = 2 * (round + 1);
        result.score = 0.1 * round + 0.01 * member;
        lines_ += writer.result(result);
        if (const auto decision = population.tell(member, {result.score, {}})) {
          lines_ += writer.decision(*decision);
        }
      }
    }
    write_file_atomic(run() / "journal.jsonl", lines_.substr(0, first_));
    write_file_atomic(folder_.path() / "secret.txt", "outside");
  }
  fs::path run() {
    fs::create_directories(folder_.path() / "run");
    return folder_.path() / "run";
  }
  ServeOptions options() { return {.port = 0, .pages = 2, .look_seconds = 0.05}; }

  TemporaryFolder folder_;
  std::string lines_;
  size_t first_ = 0;
};

TEST_F(ReportServe, PageStateAndPolicy) {
  LiveServer server(run(), options());
  const std::string page = get(server.port(), "/");
  EXPECT_THAT(page, HasSubstr("200 OK"));
  EXPECT_THAT(page, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'"));
  EXPECT_THAT(page, HasSubstr("X-Content-Type-Options: nosniff"));
  EXPECT_THAT(get(server.port(), "/state.json"), HasSubstr("\"rounds_done\":1"));
  EXPECT_THAT(get(server.port(), "/main.html"), HasSubstr("1 of 3 rounds"));
  EXPECT_THAT(get(server.port(), "/d3.js"), HasSubstr("d3js.org v5"));
  EXPECT_EQ(server.url(), "http://127.0.0.1:" + std::to_string(server.port()) + "/");
}

TEST_F(ReportServe, NothingOutsideTheRun) {
  write_file_atomic(run() / "result.json", "{\"score\": 1}");
  fs::create_symlink(folder_.path() / "secret.txt", run() / "config.toml");
  fs::create_directory(run() / "progress.csv");
  LiveServer server(run(), options());
  EXPECT_THAT(get(server.port(), "/files/result.json"), HasSubstr("\"score\": 1"));
  for (const char* path :
       {"/files/../secret.txt", "/files/%2e%2e/secret.txt", "/../secret.txt", "/files/config.toml",
        "/files/..%2fsecret.txt", "/files//etc/passwd", "/files/progress.csv", "/files/",
        "/files/members", "/files/result.json%00.txt", "/%2e%2e/%2e%2e/etc/passwd",
        "/files/....//secret.txt", "//etc/passwd", "/files/lock"}) {
    const std::string answer = get(server.port(), path);
    EXPECT_THAT(answer, Not(HasSubstr("200 OK"))) << path;
    EXPECT_THAT(answer, Not(HasSubstr("outside"))) << path;
    EXPECT_THAT(answer, Not(HasSubstr("root:"))) << path;
  }
}

TEST_F(ReportServe, ReadOnlyAndByItsOwnName) {
  LiveServer server(run(), options());
  for (const char* method :
       {"POST /state.json", "PUT /files/result.json", "DELETE /files/result.json"}) {
    EXPECT_THAT(request(server.port(), method, "Content-Length: 0\r\n"), HasSubstr("HTTP/1.1 405"));
  }
  EXPECT_THAT(get(server.port(), "/state.json", "Host: evil.example\r\n"), HasSubstr("403"));
  EXPECT_THAT(get(server.port(), "/state.json",
                  "Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"),
              HasSubstr("200 OK"));
}

TEST_F(ReportServe, OtherAddressesNeedTheToken) {
  ServeOptions open = options();
  open.host = "0.0.0.0";
  LiveServer server(run(), open);
  const std::string url = server.url();
  const std::string token = url.substr(url.find("token=") + 6);
  ASSERT_EQ(token.size(), 32u);
  EXPECT_THAT(get(server.port(), "/"), HasSubstr("403"));
  EXPECT_THAT(get(server.port(), "/state.json"), HasSubstr("403"));
  EXPECT_THAT(get(server.port(), "/state.json?token=" + std::string(32, '0')), HasSubstr("403"));
  EXPECT_THAT(get(server.port(), "/events"), HasSubstr("403"));
  const std::string answer = get(server.port(), "/?token=" + token);
  EXPECT_THAT(answer, HasSubstr("Set-Cookie: popaug=" + token + "; HttpOnly; SameSite=Strict"));
  EXPECT_THAT(answer, HasSubstr("Location: /"));
  EXPECT_THAT(get(server.port(), "/state.json", "Cookie: a=b; popaug=" + token + "\r\n"),
              HasSubstr("200 OK"));
}

TEST_F(ReportServe, EventsFollowTheJournalAndMorePagesPoll) {
  LiveServer server(run(), options());
  const std::string ask = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Connection first(server.port()), second(server.port());
  first.send_text(ask);
  EXPECT_THAT(first.read_until("event: update"), HasSubstr("text/event-stream"));
  second.send_text(ask);
  EXPECT_THAT(second.read_until("event: update"), HasSubstr("event: update"));
  EXPECT_THAT(get(server.port(), "/events"), HasSubstr("event: poll\ndata: 5"));
  // A new journal line is seen.
  write_file_atomic(run() / "journal.jsonl", lines_);
  EXPECT_THAT(first.read_until("event: update"), HasSubstr("event: update"));
  EXPECT_THAT(get(server.port(), "/main.html"), HasSubstr("3 of 3"));
}

TEST_F(ReportServe, SurvivesARestartOfTheRun) {
  fs::remove(run() / "journal.jsonl");
  LiveServer server(run(), options());
  EXPECT_THAT(get(server.port(), "/main.html"), HasSubstr("cannot be read now"));
  Connection events(server.port());
  events.send_text("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  events.read_until("event: update");
  write_file_atomic(run() / "journal.jsonl", lines_.substr(0, first_) + "{\"torn");
  EXPECT_THAT(events.read_until("event: update"), HasSubstr("event: update"));
  EXPECT_THAT(get(server.port(), "/main.html"), HasSubstr("1 of 3"));
}

TEST_F(ReportServe, SlowAndSilentClientsDoNotBlockOthers) {
  LiveServer server(run(), options());
  std::vector<std::unique_ptr<Connection>> silent;
  for (int i = 0; i < 4; ++i) {
    silent.push_back(std::make_unique<Connection>(server.port()));
    silent.back()->send_text("GET / HT");  // and no more
  }
  EXPECT_THAT(get(server.port(), "/state.json"), HasSubstr("200 OK"));
  EXPECT_THAT(get(server.port(), "/" + std::string(20000, 'a')), Not(HasSubstr("200 OK")));
}

TEST_F(ReportServe, APortInUseIsSaid) {
  LiveServer server(run(), options());
  ServeOptions same = options();
  same.port = server.port();
  try {
    LiveServer second(run(), same);
    FAIL() << "two servers share a port";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the port is in use"));
  }
  EXPECT_THROW(LiveServer(folder_.path() / "none", options()), Error);
}

}  // namespace
}  // namespace popaug
