#include "popaug/report/http_front.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "popaug/report/http_head.h"

namespace popaug {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLinger{1000};        // for a refused client to read why
constexpr size_t kMostDropped = 256 * 1024;  // of what it still sends meanwhile
constexpr milliseconds kSlice{250};          // between looks at stop() and at those who wait

}  // namespace

class HttpFront::Client : public ClientConnection {
 public:
  Client(HttpFront& front, const Request& request)
      : front_(front),
        socket_(request.socket.get()),
        events_(request.events),
        began_(Clock::now()) {}

  int descriptor() const override { return socket_; }

  bool open() override {
    char byte = 0;
    const ssize_t n = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    // A client may close its side after the request; one that listens to events does not.
    if ((n == 0 && events_) || (n < 0 && errno != EAGAIN && errno != EINTR)) good_ = false;
    return good_ && !stopped();
  }

  bool send(std::string_view bytes) override {
    Clock::time_point moved = Clock::now();
    while (good_ && !bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) {
        bytes.remove_prefix(static_cast<size_t>(n));
        moved = Clock::now();
      } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        good_ = false;
      } else {
        pollfd ready{socket_, POLLOUT, 0};
        ::poll(&ready, 1, static_cast<int>(kSlice.count()));
      }
      good_ = good_ && !too_slow(moved) && !stopped();
    }
    return good_;
  }

 private:
  bool stopped() {
    const std::lock_guard lock(front_.mutex_);
    return front_.stopping_;
  }
  bool too_slow(Clock::time_point moved) {
    const auto now = Clock::now();
    if (now - moved > front_.limits_.stall) return true;
    if (events_) return false;
    if (now - began_ > front_.limits_.answer) return true;
    return now - began_ > front_.limits_.yield && front_.others_wait();
  }

  HttpFront& front_;
  const int socket_;
  const bool events_;
  const Clock::time_point began_;
  bool good_ = true;
};

HttpFront::Socket::~Socket() {
  if (number_ >= 0) ::close(number_);
}

HttpFront::HttpFront(int listener, int threads, const FrontLimits& limits, Answer answer)
    : listener_(listener), limits_(limits), answer_(std::move(answer)) {
  if (::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::generic_category());
  }
  ::fcntl(listener_, F_SETFL, ::fcntl(listener_, F_GETFL) | O_NONBLOCK);
  try {
    threads_.emplace_back([this] { take_connections(); });
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { answer_requests(); });
  } catch (...) {
    stop();
    throw;
  }
}

HttpFront::~HttpFront() { stop(); }

void HttpFront::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (wake_[1] >= 0) ::close(std::exchange(wake_[1], -1));  // seen as the end of the pipe
  threads_.clear();                                         // joins
  reading_.clear();
  requests_.clear();
  if (wake_[0] >= 0) ::close(std::exchange(wake_[0], -1));
}

bool HttpFront::others_wait() {
  const std::lock_guard lock(mutex_);
  return !requests_.empty();
}

void HttpFront::take_connections() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    try {
      look_once();
    } catch (...) {
      drop_oldest();  // out of memory: the server outlives its clients
    }
  }
}

// Waits for something to happen, then reads what has arrived and drops who is late.
void HttpFront::look_once() {
  std::vector<pollfd> ready = {{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
  auto until = Clock::now() + std::chrono::seconds(1);
  for (const Reading& connection : reading_) {
    ready.push_back({connection.socket.get(), POLLIN, 0});
    until = std::min(until, connection.deadline);
  }
  const auto wait =
      std::chrono::duration_cast<milliseconds>(until - Clock::now()) + milliseconds(1);
  if (::poll(ready.data(), ready.size(), std::max(0, static_cast<int>(wait.count()))) < 0) return;
  const auto now = Clock::now();
  auto connection = reading_.begin();
  for (size_t i = 2; i < ready.size(); ++i) {
    bool keep = ready[i].revents == 0 || read_some(*connection);
    if (keep && now >= connection->deadline) {
      if (!connection->refused) refuse(*connection, 408, "the request took too long");
      keep = false;
    }
    connection = keep ? connection + 1 : reading_.erase(connection);
  }
  if (ready[1].revents != 0) accept_all();
}

void HttpFront::accept_all() {
  while (true) {
    Socket socket(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket.get() < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        drop_oldest();
        std::this_thread::sleep_for(milliseconds(20));
      }
      return;
    }
    // A flood of slow clients takes the places of slow clients: the newest is read first.
    if (reading_.size() >= limits_.reading) drop_oldest();
    Reading connection{
        .socket = std::move(socket), .received = {}, .deadline = Clock::now() + limits_.head};
    if (read_some(connection)) reading_.push_back(std::move(connection));
  }
}

void HttpFront::drop_oldest() {
  if (!reading_.empty()) reading_.pop_front();
}

// Takes what has arrived. False when the connection needs no more reading: the client has closed
// it or sends on after a refusal, or the request waits for a thread.
bool HttpFront::read_some(Reading& connection) {
  char block[4096];
  // At most one head: who sends more must wait until the others had their turn.
  for (size_t taken = 0; taken <= kLongestHead;) {
    const ssize_t n = ::recv(connection.socket.get(), block, sizeof block, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    taken += static_cast<size_t>(n);
    if (connection.refused) {
      connection.dropped += static_cast<size_t>(n);
      if (connection.dropped > kMostDropped) return false;
      continue;
    }
    connection.received.append(block, static_cast<size_t>(n));
    if (!decide(connection)) return false;
  }
  return true;
}

// Passes a complete head on, or refuses a wrong one. False when the request was passed on.
bool HttpFront::decide(Reading& connection) {
  std::optional<RequestHead> head = read_request_head(connection.received);
  if (!head) return true;
  if (head->refused != 0) {
    refuse(connection, head->refused, head->why);
    return true;
  }
  const std::lock_guard lock(mutex_);
  if (requests_.size() >= limits_.queued) {
    refuse(connection, 503, "this server is busy");
    return true;
  }
  requests_.push_back({std::move(connection.socket), std::move(head->text), head->events});
  changed_.notify_one();
  return false;
}

// Says why, as far as the client takes it at once.
void HttpFront::refuse(Reading& connection, int status, const char* why) {
  const std::string body = std::string(why) + "\n";
  const std::string text = "HTTP/1.1 " + std::to_string(status) +
                           " Refused\r\nContent-Type: text/plain; charset=utf-8\r\n"
                           "X-Content-Type-Options: nosniff\r\nConnection: close\r\n"
                           "Content-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body;
  [[maybe_unused]] const ssize_t sent =
      ::send(connection.socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(connection.socket.get(), SHUT_WR);
  connection.refused = true;
  connection.received = {};
  connection.deadline = Clock::now() + kLinger;
}

void HttpFront::answer_requests() {
  while (true) {
    Request request;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !requests_.empty(); });
      if (stopping_) return;
      request = std::move(requests_.front());
      requests_.pop_front();
    }
    Client client(*this, request);
    try {
      answer_(request.head, client);
    } catch (...) {
      // Out of memory, say. The client sees a closed connection, and the server lives on.
    }
  }
}

}  // namespace popaug
