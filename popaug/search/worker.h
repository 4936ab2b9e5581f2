// Process workers (docs/formats/worker.md): our side, their side, and the judge.
#ifndef POPAUG_SEARCH_WORKER_H_
#define POPAUG_SEARCH_WORKER_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/search/settings.h"
#include "popaug/search/trainer.h"

namespace popaug {

inline constexpr int kWorkerProtocol = 1;

// The message that gives a worker its work, and back. `settings` of the message holds space, rule,
// base, metric, data and trainer, and `run` as "run".
Json run_message(const RoundWork& work, const SearchSettings& settings,
                 const Json& run = Json::object());
struct RunMessage {
  RoundWork work;
  Space space;
  Rule rule;
  BaseTransforms base;
  std::string metric;
  Json settings;  // the whole object
};
RunMessage parse_run_message(const Json& message, const std::string& origin);

// What a worker says. Throws Error for anything that is not a message of the protocol.
struct WorkerMessage {
  enum class Kind { kHello, kProgress, kDone, kFailed } kind = Kind::kProgress;
  int64_t protocol = 0;      // hello
  std::string name;          // hello
  double share = 0;          // progress
  RoundResult result;        // done; `correct` is read by the master from the file
  bool has_correct = false;  // done: the file of bits was written
  int64_t bytes = 0;         // done: size of the checkpoint that was written
  std::string error;         // failed
};
WorkerMessage parse_worker_message(std::string_view line);

// Reads a worker's file of bits. Throws Error for any other character than 0 and 1.
std::vector<uint8_t> read_correct_file(const fs::path& path);

// The name of the file of bits beside a checkpoint: one character 0 or 1 per validation image.
fs::path correct_file(const fs::path& to);

// Makes the trainer for the settings of a run message; called again only when they change.
using TrainerBuilder = std::function<std::unique_ptr<Trainer>(const RunMessage& message)>;

// A worker process: serves `in`, answers on `out` (file descriptors) until stop or end of input.
// A watching thread ends the process when `in` closes in the middle of a round. Returns the exit
// code.
int serve_worker(const std::string& name, const TrainerBuilder& builder, int in, int out);

// One rule of the protocol, tried on a worker of the user.
struct WorkerCheck {
  std::string rule;
  bool passed = false;
  std::string detail;  // what was seen instead
};
// Starts `command` several times and tries every rule on it, in a temporary folder.
std::vector<WorkerCheck> check_worker(const std::string& command, const SearchSettings& settings,
                                      double silence_seconds, Progress& progress);

}  // namespace popaug

#endif  // POPAUG_SEARCH_WORKER_H_
