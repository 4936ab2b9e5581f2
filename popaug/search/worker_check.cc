// The judge of other people's workers: every rule of docs/formats/worker.md, tried.
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "popaug/search/internal/process.h"
#include "popaug/search/population.h"
#include "popaug/search/worker.h"

namespace popaug {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = WorkerMessage::Kind;

// A worker under test, spoken to one message at a time.
class Subject {
 public:
  Subject(const std::vector<std::string>& command, const fs::path& folder, double patience)
      : process_(command, folder / "worker.log"), patience_(patience) {}

  // The next message. Throws Error where there is none in time, or nonsense.
  WorkerMessage hear() {
    const auto deadline = Clock::now() + std::chrono::duration<double>(patience_);
    while (lines_.empty()) {
      const std::chrono::duration<double> left = deadline - Clock::now();
      if (left.count() <= 0) throw Error(fmt::format("it said nothing for {:.0f} s", patience_));
      pollfd ready{process_.descriptor(), POLLIN, 0};
      ::poll(&ready, 1, static_cast<int>(std::min(1000.0, left.count() * 1000 + 1)));
      if (!process_.receive(&lines_) && lines_.empty()) {
        std::string how = "no status";
        process_.wait(1, &how);
        throw Error("it ended with " + how);
      }
    }
    const std::string line = lines_.front();
    lines_.erase(lines_.begin());
    return parse_worker_message(line);
  }

  void greet() {
    const WorkerMessage hello = hear();
    if (hello.kind != Kind::kHello) throw Error("its first message is not hello");
    if (hello.protocol != kWorkerProtocol) {
      throw Error(fmt::format("it speaks protocol {}, not {}", hello.protocol, kWorkerProtocol));
    }
  }

  void send(const Json& message) {
    if (!process_.send(message)) throw Error("it takes no message");
  }

  // The message that ends a round; progress before it is fine.
  WorkerMessage answer() {
    WorkerMessage message = hear();
    while (message.kind == Kind::kProgress) message = hear();
    if (message.kind == Kind::kHello) throw Error("it sent hello twice");
    return message;
  }

  WorkerMessage done() {
    WorkerMessage message = answer();
    if (message.kind == Kind::kFailed) throw Error("it answered failed: " + message.error);
    return message;
  }

  void require_exit(bool clean) {
    std::string how;
    if (!process_.wait(patience_, &how)) {
      throw Error(fmt::format("it still runs after {:.0f} s", patience_));
    }
    if (clean && how != "status 0") throw Error("it ended with " + how + ", not with status 0");
  }

  WorkerProcess& process() { return process_; }

 private:
  WorkerProcess process_;
  double patience_;
  std::vector<std::string> lines_;
};

class Judge {
 public:
  Judge(const std::string& command, const SearchSettings& settings, double patience,
        Progress& progress)
      : command_(split_command(command)),
        settings_(settings),
        patience_(patience),
        progress_(progress) {}

  std::vector<WorkerCheck> judge() {
    try_rule("starts, and sends hello of protocol 1 first", [&] { make()->greet(); });
    if (!checks_[0].passed) return std::move(checks_);
    try_rule("trains a fresh round: checkpoint on disk, of the stated size", [&] { fresh(); });
    if (!checks_[1].passed) return std::move(checks_);
    try_rule("continues from another member's checkpoint", [&] { exploit(); });
    try_rule("gives the same score, metrics and checkpoint for the same message",
             [&] { repeat(); });
    try_rule("writes a well-formed file of bits, if any", [&] { bits(); });
    try_rule("leaves nothing else beside its checkpoint", [&] { litter(); });
    try_rule("ignores keys that it does not know", [&] { unknown_key(); });
    try_rule("answers failed, or ends, when the checkpoint to start from is missing",
             [&] { missing_checkpoint(); });
    try_rule("takes a second round after the first", [&] { two_rounds(); });
    try_rule("exits with status 0 on stop when idle", [&] { stop_idle(); });
    try_rule("exits when its input closes while it is idle", [&] { close_idle(); });
    try_rule("exits when its input closes in the middle of a round", [&] { close_busy(); });
    return std::move(checks_);
  }

 private:
  std::unique_ptr<Subject> make() {
    return std::make_unique<Subject>(command_, folder_.path(), patience_);
  }

  void try_rule(const std::string& rule, const std::function<void()>& body) {
    WorkerCheck check{rule, true, ""};
    try {
      body();
    } catch (const Error& error) {
      check.passed = false;
      check.detail = error.what();
      const std::string last = last_log_line(folder_.path() / "worker.log");
      if (!last.empty()) check.detail += " (last line of its log: " + last + ")";
    }
    checks_.push_back(check);
    progress_.update(static_cast<double>(checks_.size()), 12, rule);
  }

  RoundWork work(int member, const std::string& to) const {
    RoundWork work = Population(settings_).work(member);
    work.epochs = 1;
    work.to = folder_.path() / "out" / to;
    fs::create_directories(work.to.parent_path());
    return work;
  }

  WorkerMessage train(Subject& subject, const RoundWork& work) {
    subject.send(run_message(work, settings_));
    WorkerMessage done = subject.done();
    if (!std::isfinite(done.result.score)) throw Error("its training diverged (score null)");
    require_checkpoint(work.to, done.bytes);
    return done;
  }

  static void require_checkpoint(const fs::path& path, int64_t bytes) {
    std::error_code error;
    const uintmax_t size = fs::file_size(path, error);
    if (error) throw Error("\"done\" was sent, but there is no checkpoint at the path \"to\"");
    if (size == 0) throw Error("the checkpoint is empty");
    if (static_cast<int64_t>(size) != bytes) {
      throw Error(fmt::format("the checkpoint has {} bytes, \"bytes\" says {}", size, bytes));
    }
  }

  WorkerMessage fresh() {
    const auto subject = make();
    subject->greet();
    return train(*subject, work(0, "fresh"));
  }

  RoundWork second(const std::string& to) const {
    RoundWork next = work(1, to);
    next.round = 1;
    next.first_epoch = 1;
    next.from = folder_.path() / "out" / "fresh";
    for (PolicyEntry& entry : next.policy.entries) entry.probability = 0.5;
    return next;
  }

  void exploit() {
    const auto subject = make();
    subject->greet();
    train(*subject, second("second"));
    if (read_file(folder_.path() / "out/second") == read_file(folder_.path() / "out/fresh")) {
      throw Error("the checkpoint after the round equals the one before it");
    }
  }

  void repeat() {
    std::vector<std::string> scores, bytes;
    for (const std::string name : {"again-1", "again-2"}) {
      const auto subject = make();
      subject->greet();
      const WorkerMessage done = train(*subject, second(name));
      scores.push_back(number_text(done.result.score) + " " + json_line(Json(done.result.metrics)));
      bytes.push_back(hash_hex(read_file(folder_.path() / "out" / name)));
    }
    if (scores[0] != scores[1]) throw Error("it gave " + scores[0] + ", then " + scores[1]);
    if (bytes[0] != bytes[1]) throw Error("the checkpoints differ");
  }

  void bits() {
    const auto subject = make();
    subject->greet();
    const RoundWork round = work(2, "bits");
    const WorkerMessage done = train(*subject, round);
    if (!done.has_correct) return;
    const std::vector<uint8_t> correct = read_correct_file(correct_file(round.to));
    if (correct.empty()) throw Error("the file of bits is empty");
  }

  void litter() {
    const std::set<std::string> known = {"fresh", "second", "again-1", "again-2", "bits"};
    for (const auto& entry : fs::directory_iterator(folder_.path() / "out")) {
      std::string name = entry.path().filename();
      if (name.ends_with(".correct")) name.resize(name.size() - 8);
      if (!known.contains(name)) throw Error("it left " + quote(name));
    }
  }

  void unknown_key() {
    const auto subject = make();
    subject->greet();
    const RoundWork round = work(0, "unknown");
    Json message = run_message(round, settings_);
    message["x-from-the-future"] = {1, 2, 3};
    subject->send(message);
    require_checkpoint(round.to, subject->done().bytes);
  }

  void missing_checkpoint() {
    const auto subject = make();
    subject->greet();
    RoundWork round = second("never");
    round.from = folder_.path() / "out" / "missing";
    subject->send(run_message(round, settings_));
    WorkerMessage message;
    try {
      message = subject->answer();
    } catch (const Error&) {
      return;  // it ended
    }
    if (message.kind != Kind::kFailed) throw Error("it answered as if it had found it");
  }

  void two_rounds() {
    const auto subject = make();
    subject->greet();
    train(*subject, work(0, "first-of-two"));
    train(*subject, second("second-of-two"));
  }

  void stop_idle() {
    const auto subject = make();
    subject->greet();
    subject->send({{"type", "stop"}});
    subject->require_exit(true);
  }

  void close_idle() {
    const auto subject = make();
    subject->greet();
    subject->process().close_input();
    subject->require_exit(false);
  }

  void close_busy() {
    const auto subject = make();
    subject->greet();
    RoundWork round = work(0, "abandoned");
    round.epochs = 3;  // a worker that does not watch its input may end the round first
    subject->send(run_message(round, settings_));
    subject->process().close_input();
    subject->require_exit(false);
  }

  TemporaryFolder folder_;
  std::vector<std::string> command_;
  const SearchSettings& settings_;
  double patience_;
  Progress& progress_;
  std::vector<WorkerCheck> checks_;
};

}  // namespace

std::vector<WorkerCheck> check_worker(const std::string& command, const SearchSettings& settings,
                                      double silence_seconds, Progress& progress) {
  const NoPipeSignal guard;
  return Judge(command, settings, silence_seconds, progress).judge();
}

}  // namespace popaug
