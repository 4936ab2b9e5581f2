// A worker process from the inside.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "popaug/rundir/rundir.h"
#include "popaug/search/worker.h"

namespace popaug {
namespace {

using Clock = std::chrono::steady_clock;

// Reads messages beside the training, so that a stop or a vanished master is seen at once.
class Inbox {
 public:
  explicit Inbox(int in) : in_(in), reader_([this] { read(); }) {}
  ~Inbox() { leaving_ = true; }

  // The next message; nothing at the end of the input or after a stop.
  std::optional<std::string> next() {
    std::unique_lock lock(mutex_);
    busy_ = false;
    changed_.wait(lock, [&] { return !lines_.empty() || closed_ || stop_.requested(); });
    if (stop_.requested() || lines_.empty()) return std::nullopt;
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    busy_ = true;
    return line;
  }
  const StopToken& stop() const { return stop_; }

 private:
  void read() {
    std::string buffer;
    char block[1 << 16];
    while (!leaving_) {
      pollfd ready{in_, POLLIN, 0};
      if (::poll(&ready, 1, 50) <= 0) continue;
      const ssize_t n = ::read(in_, block, sizeof block);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return close();
      size_t begin = 0, from = buffer.size();  // what came before has no line end
      buffer.append(block, static_cast<size_t>(n));
      for (size_t end; (end = buffer.find('\n', from)) != buffer.npos; begin = from = end + 1) {
        take(buffer.substr(begin, end - begin));
      }
      buffer.erase(0, begin);
      if (buffer.size() > JsonLimits().bytes) {  // whoever reads the message says why it is refused
        take(buffer);
        return close();
      }
    }
  }

  void take(std::string line) {
    std::lock_guard lock(mutex_);
    const std::optional<Json> json = try_json(line);
    if (json && json->is_object() && json->value("type", Json()) == "stop") {
      stop_.request();
    } else {
      lines_.push_back(std::move(line));
    }
    changed_.notify_all();
  }

  void close() {
    std::lock_guard lock(mutex_);
    if (busy_) ::_exit(1);  // nobody waits for this round any more
    closed_ = true;
    changed_.notify_all();
  }

  int in_;
  std::atomic<bool> leaving_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> lines_;
  bool closed_ = false, busy_ = false;
  StopToken stop_;
  std::jthread reader_;
};

class Speaker {
 public:
  explicit Speaker(int out) : out_(out) {}
  void say(const Json& message) {
    const std::string line = json_line(message) + "\n";
    std::lock_guard lock(mutex_);
    std::string_view left = line;
    while (!left.empty()) {
      const ssize_t n = ::write(out_, left.data(), left.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) ::_exit(1);  // the master is gone
      left.remove_prefix(static_cast<size_t>(n));
    }
  }
  // At most one a second, and the last.
  void progress(double share) {
    const auto now = Clock::now();
    if (share < 1 && now - said_ < std::chrono::seconds(1)) return;
    said_ = now;
    say({{"type", "progress"}, {"share", std::clamp(share, 0.0, 1.0)}});
  }

 private:
  int out_;
  std::mutex mutex_;
  Clock::time_point said_{};
};

Json do_round(const RunMessage& message, Trainer& trainer, Speaker& speaker,
              const StopToken& stop) {
  const RoundWork& work = message.work;
  RoundResult result;
  try {
    result = trainer.run(
        work, [&](double share) { speaker.progress(share); }, stop);
  } catch (const Diverged& diverged) {
    result = diverged_result(diverged);
  }
  if (!std::isfinite(result.score)) {
    return {{"type", "done"},
            {"score", nullptr},
            {"reason", result.reason},
            {"images_trained", result.images_trained}};
  }
  if (!result.correct.empty()) {
    std::string bits;
    for (const uint8_t bit : result.correct) bits += bit != 0 ? '1' : '0';
    write_file_atomic(correct_file(work.to), bits);
  }
  return {{"type", "done"},
          {"score", result.score},
          {"bytes", fs::file_size(work.to)},
          {"metrics", result.metrics},
          {"images_trained", result.images_trained},
          {"images_evaluated", result.images_evaluated},
          {"seconds", result.seconds},
          {"correct", !result.correct.empty()}};
}

}  // namespace

int serve_worker(const std::string& name, const TrainerBuilder& builder, int in, int out) {
  Speaker speaker(out);
  speaker.say({{"type", "hello"}, {"protocol", kWorkerProtocol}, {"name", name}});
  Inbox inbox(in);
  std::unique_ptr<Trainer> trainer;
  Json settings;
  while (const std::optional<std::string> line = inbox.next()) {
    try {
      const RunMessage message =
          parse_run_message(parse_json(*line, "master's message"), "master's message");
      if (!trainer || message.settings != settings) {
        trainer.reset();
        trainer = builder(message);
        settings = message.settings;
      }
      speaker.say(do_round(message, *trainer, speaker, inbox.stop()));
    } catch (const Interrupted&) {
      return 0;
    } catch (const std::exception& error) {
      speaker.say({{"type", "failed"}, {"error", error.what()}});
    }
  }
  return 0;
}

std::vector<uint8_t> read_correct_file(const fs::path& path) {
  const std::string text = read_regular_file(path, kMostValidationImages);
  std::vector<uint8_t> bits;
  bits.reserve(text.size());
  for (const char c : text) {
    if (c != '0' && c != '1') {
      throw Error(show_path(path) + ": expected only the characters 0 and 1, found " +
                  quote(std::string_view(&c, 1)));
    }
    bits.push_back(c == '1');
  }
  return bits;
}

}  // namespace popaug
