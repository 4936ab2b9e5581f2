// The front of the live page's server: takes connections, reads heads within limits, and hands
// complete requests to threads that answer. Private to room report.
//
// cpp-httplib reads a request line and headers of any length, gives each connection a thread while
// it does, and waits for the next byte as often as one comes. So a client needs no token to take
// all memory or all threads. Here one thread reads all heads without blocking, and the library gets
// a request only when its head is complete, checked and small (http_head.h).
#ifndef POPAUG_REPORT_HTTP_FRONT_H_
#define POPAUG_REPORT_HTTP_FRONT_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace popaug {

// docs/threats.md states these limits.
struct FrontLimits {
  std::chrono::milliseconds head{5000};      // from connecting to the end of the head
  std::chrono::milliseconds stall{10000};    // an answer of which the client takes nothing
  std::chrono::milliseconds answer{300000};  // a whole answer, event streams excepted
  std::chrono::milliseconds yield{3000};     // the same while other requests wait for a thread
  size_t reading = 64;                       // connections without a complete head
  size_t queued = 64;                        // complete requests without a thread
};

// The client's side of one answer. For the thread that answers.
class ClientConnection {
 public:
  // Sends all of it; false if the client is gone or too slow, and from then on.
  virtual bool send(std::string_view bytes) = 0;
  // Whether the client is still there.
  virtual bool open() = 0;
  virtual int descriptor() const = 0;

 protected:
  ~ClientConnection() = default;
};

class HttpFront {
 public:
  // Answers one request; `head` is what read_request_head() passed on.
  using Answer = std::function<void(const std::string& head, ClientConnection& client)>;

  // Takes connections of the listening socket, which stays the caller's, until stop() or
  // destruction. Throws std::system_error if the threads cannot be started.
  HttpFront(int listener, int threads, const FrontLimits& limits, Answer answer);
  ~HttpFront();
  HttpFront(const HttpFront&) = delete;
  HttpFront& operator=(const HttpFront&) = delete;
  // Returns when no thread is left. Answers that are under way see their client gone.
  void stop();

 private:
  class Client;
  using Clock = std::chrono::steady_clock;

  // A descriptor with one owner, who closes it.
  class Socket {
   public:
    Socket() = default;
    explicit Socket(int number) : number_(number) {}
    Socket(Socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
      std::swap(number_, other.number_);
      return *this;
    }
    ~Socket();
    int get() const { return number_; }

   private:
    int number_ = -1;
  };
  struct Reading {
    Socket socket;
    std::string received;
    Clock::time_point deadline;
    bool refused = false;  // answered; a little of what else arrives is dropped
    size_t dropped = 0;    // bytes
  };
  struct Request {
    Socket socket;
    std::string head;
    bool events = false;
  };

  void take_connections();
  void look_once();
  void accept_all();
  bool read_some(Reading& connection);
  bool decide(Reading& connection);
  void refuse(Reading& connection, int status, const char* why);
  void drop_oldest();
  void answer_requests();
  bool others_wait();

  const int listener_;
  const FrontLimits limits_;
  const Answer answer_;
  int wake_[2] = {-1, -1};       // a pipe: written to once, by stop()
  std::deque<Reading> reading_;  // of the front thread alone; the oldest first
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request> requests_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace popaug

#endif  // POPAUG_REPORT_HTTP_FRONT_H_
