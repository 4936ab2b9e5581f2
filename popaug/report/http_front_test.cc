// The front of the live page's server under attack, spoken to in bytes.
#include "popaug/report/http_front.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <memory>

#include "popaug/report/http_head.h"

namespace popaug {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

int status_of(std::string_view head) {
  const auto read = read_request_head(head);
  return read ? read->refused : -1;  // -1: wants more
}

TEST(RequestHead, OnlyWhatThePageNeedsIsPassedOn) {
  const auto head = read_request_head(
      "GET /state.json?x=1 HTTP/1.1\r\nhOsT:  localhost:80 \r\nCookie: popaug=1; b=2\r\n"
      "Range: bytes=0-,0-,0-\r\nExpect: 100-continue\r\nUpgrade: websocket\r\nConnection: "
      "keep-alive\r\nAccept-Encoding: gzip\r\nContent-Length: 0\r\n\r\npipelined");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->refused, 0);
  EXPECT_EQ(head->text,
            "GET /state.json?x=1 HTTP/1.1\r\nHost: localhost:80\r\nCookie: popaug=1; b=2\r\n"
            "Connection: close\r\n\r\n");
  EXPECT_FALSE(head->events);
  EXPECT_TRUE(read_request_head("GET /events HTTP/1.1\r\n\r\n")->events);
}

TEST(RequestHead, EveryCutOfAGoodHeadWantsMore) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nCookie: b\r\n\r\n";
  for (size_t n = 0; n < head.size(); ++n) EXPECT_EQ(status_of(head.substr(0, n)), -1) << n;
  EXPECT_EQ(status_of(head), 0);
}

TEST(RequestHead, LimitsAreExact) {
  const auto line = [](size_t length) {
    return "GET /" + std::string(length - 14, 'a') + " HTTP/1.1\r\n";
  };
  EXPECT_EQ(status_of(line(kLongestRequestLine) + "\r\n"), 0);
  EXPECT_EQ(status_of(line(kLongestRequestLine + 1) + "\r\n"), 414);
  EXPECT_EQ(status_of(std::string(kLongestRequestLine + 1, 'a')), 414);  // without an end
  const auto headers = [](int count) {
    std::string text = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < count; ++i) text += "X: y\r\n";
    return text;
  };
  EXPECT_EQ(status_of(headers(kMostHeaders) + "\r\n"), 0);
  EXPECT_EQ(status_of(headers(kMostHeaders + 1) + "\r\n"), 431);
  EXPECT_EQ(status_of(headers(kMostHeaders + 1)), 431);  // without an end
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nX: " + std::string(kLongestHead, 'y')), 431);
}

TEST(RequestHead, WhatIsNoPlainReadingIsRefused) {
  for (const auto& [head, status] : std::vector<std::pair<std::string, int>>{
           {"POST / HTTP/1.1\r\n\r\n", 405},
           {"get / HTTP/1.1\r\n\r\n", 405},
           {"GET / HTTP/2.0\r\n\r\n", 505},
           {"GET http://evil/ HTTP/1.1\r\n\r\n", 400},
           {"GET  / HTTP/1.1\r\n\r\n", 400},
           {"GET /\r\n\r\n", 400},
           {"\r\n\r\n", 400},
           {std::string("GET /\0 HTTP/1.1\r\n\r\n", 19), 400},
           {"GET /\n HTTP/1.1\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", 413},
           {"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 413},
           {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 413},
           {"GET / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\nCookie: a\r\ncookie: b\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\n folded\r\n\r\n", 400},
           {"GET / HTTP/1.1\r\n: none\r\n\r\n", 400}}) {
    EXPECT_EQ(status_of(head), status) << head;
  }
}

// A listening socket on loopback.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 128), 0);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  int socket() const { return socket_; }
  int port() const { return port_; }

 private:
  int socket_;
  int port_ = 0;
};

class Peer {
 public:
  explicit Peer(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval patience{60, 0};  // a test that hangs fails instead
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  ~Peer() { ::close(socket_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  // False once the server has closed the connection.
  bool say(std::string_view text) {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == ssize_t(text.size());
  }
  // All that comes until the server closes.
  std::string hear() {
    std::string text;
    char block[65536];
    for (ssize_t n; (n = ::recv(socket_, block, sizeof block, 0)) > 0;) {
      text.append(block, static_cast<size_t>(n));
    }
    return text;
  }

 private:
  int socket_;
};

constexpr char kAsk[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::string ask(int port) {
  Peer peer(port);
  peer.say(kAsk);
  return peer.hear();
}

void answer_ok(const std::string&, ClientConnection& client) { client.send("HTTP/1.1 200 OK\r\n"); }

size_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6)) * 1024;
  }
  return 0;
}

TEST(HttpFront, EndlessLinesAndHeadersTakeNoMemory) {
  Listener listener;
  HttpFront front(listener.socket(), 2, {}, answer_ok);
  const size_t before = resident_bytes();
  const std::string piece(1 << 20, 'a');
  for (const std::string& start : {std::string("GET /"), std::string("GET / HTTP/1.1\r\nX: ")}) {
    Peer peer(listener.port());
    peer.say(start);
    int sent = 0;
    while (sent < 200 && peer.say(piece)) ++sent;
    EXPECT_LT(sent, 200);  // cut off long before
  }
  EXPECT_LT(resident_bytes(), before + (size_t{20} << 20));
  EXPECT_THAT(ask(listener.port()), StartsWith("HTTP/1.1 200"));
}

TEST(HttpFront, ALateHeadIsRefusedHoweverOftenAByteComes) {
  Listener listener;
  // Long enough for ask() on a busy machine.
  HttpFront front(listener.socket(), 1, {.head = milliseconds(2000)}, answer_ok);
  Peer peer(listener.port());
  peer.say("GET / HTTP/1.1\r\nX: ");
  while (peer.say("a")) ::usleep(10000);
  EXPECT_THAT(ask(listener.port()), StartsWith("HTTP/1.1 200"));
}

TEST(HttpFront, ASilentClientIsTold) {
  Listener listener;
  HttpFront front(listener.socket(), 1, {.head = milliseconds(50)}, answer_ok);
  Peer peer(listener.port());
  EXPECT_THAT(peer.hear(), HasSubstr("408"));
}

TEST(HttpFront, AFloodOfSlowClientsKeepsNobodyOut) {
  Listener listener;
  FrontLimits limits;
  limits.head = std::chrono::hours(1);  // only the number of connections helps
  limits.reading = 16;
  HttpFront front(listener.socket(), 2, limits, answer_ok);
  std::vector<std::unique_ptr<Peer>> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(std::make_unique<Peer>(listener.port()));
    slow.back()->say("GET / HT");
    if (i % 20 == 0) {
      EXPECT_THAT(ask(listener.port()), StartsWith("HTTP/1.1 200")) << i;
    }
  }
  EXPECT_EQ(slow.front()->hear(), "");  // the oldest made room
}

TEST(HttpFront, AReaderThatTakesNothingYieldsToThoseWhoWait) {
  Listener listener;
  FrontLimits limits;
  limits.yield = milliseconds(50);
  HttpFront front(listener.socket(), 1, limits,
                  [](const std::string& head, ClientConnection& client) {
                    if (head.starts_with("GET /large")) {
                      const std::string piece(1 << 20, 'x');
                      while (client.send(piece)) {
                      }
                    } else {
                      answer_ok(head, client);
                    }
                  });
  Peer greedy(listener.port());
  greedy.say("GET /large HTTP/1.1\r\n\r\n");  // takes the only thread and reads nothing
  EXPECT_THAT(ask(listener.port()), StartsWith("HTTP/1.1 200"));
}

TEST(HttpFront, MoreRequestsThanItKeepsAreToldThatItIsBusy) {
  Listener listener;
  std::atomic<bool> busy{false}, go{false};
  FrontLimits limits;
  limits.queued = 1;
  HttpFront front(listener.socket(), 1, limits,
                  [&](const std::string& head, ClientConnection& client) {
                    busy = true;
                    while (!go) ::usleep(1000);
                    answer_ok(head, client);
                  });
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(std::make_unique<Peer>(listener.port()));
    peers.back()->say(kAsk);
    while (!busy) ::usleep(1000);  // the only thread has the first of them
  }
  EXPECT_THAT(peers.back()->hear(), HasSubstr("503"));
  go = true;
  EXPECT_THAT(peers.front()->hear(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpFront, AnAnswerThatThrowsEndsItsConnectionAlone) {
  Listener listener;
  std::atomic<int> calls{0};
  HttpFront front(listener.socket(), 1, {}, [&](const std::string& head, ClientConnection& client) {
    if (calls++ == 0) throw std::bad_alloc();
    answer_ok(head, client);
  });
  EXPECT_EQ(ask(listener.port()), "");
  EXPECT_THAT(ask(listener.port()), StartsWith("HTTP/1.1 200"));
}

TEST(HttpFront, StopEndsAnswersUnderWay) {
  Listener listener;
  std::atomic<bool> began{false};
  HttpFront front(listener.socket(), 1, {}, [&](const std::string&, ClientConnection& client) {
    while (client.send("x") && client.open()) {
      began = true;
      ::usleep(1000);
    }
  });
  Peer peer(listener.port());
  peer.say("GET /events HTTP/1.1\r\n\r\n");
  while (!began) ::usleep(1000);
  front.stop();
  EXPECT_THAT(peer.hear(), StartsWith("x"));
}

}  // namespace
}  // namespace popaug
