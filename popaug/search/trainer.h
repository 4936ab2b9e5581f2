// What a search drives: anything that trains a member for a round.
#ifndef POPAUG_SEARCH_TRAINER_H_
#define POPAUG_SEARCH_TRAINER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/base/base.h"

namespace popaug {

// The work of one member for one round: a pure value, journaled and sent to workers
// (docs/formats/worker.md).
struct RoundWork {
  int member = 0;
  int round = 0;         // from 0
  int first_epoch = 0;   // epochs trained before this round
  int epochs = 1;        // of this round
  int total_epochs = 1;  // of the search, for learning-rate rules
  uint64_t seed = 0;     // of the search
  Policy policy;
  // In place of what the trainer was made with; absent: that. Set for the arms of a comparison,
  // whose schedules may change both; members of a search have genes for it. Not sent to workers.
  std::optional<BaseTransforms> base = {};
  std::optional<Space> space = {};
  std::map<std::string, double>
      genes;      // other hyperparameters searched ("lr", "weight_decay", ...)
  fs::path from;  // checkpoint to start from; empty: new weights
  fs::path to;    // where to write the checkpoint (the name carries the attempt)
  // Evaluate at the end. A chain of rounds that nothing is decided on trains without.
  bool evaluate = true;
  // Look at mirrored and turned validation images too, for the metrics "mirrored_accuracy" and
  // "turned_accuracy". Not sent to workers.
  bool turned = false;
};

// How many validation images are looked at mirrored and turned, at most.
inline constexpr int64_t kTurnedImages = 500;

// What a result may say at most, whoever gives it. The sums over any search then fit into 63 bits.
inline constexpr int64_t kMostImagesOfARound = int64_t{1} << 36;
inline constexpr size_t kMostValidationImages = size_t{1} << 28;
inline constexpr size_t kMostMetrics = 256;
inline constexpr size_t kLongestMetricName = 200;  // bytes

// What a round gave. Everything but `seconds` must depend on the work alone.
struct RoundResult {
  double score = 0;  // higher is better; not finite: training diverged, no checkpoint was written
  std::vector<uint8_t> correct;  // per validation image 0/1; empty if the trainer gives none
  std::map<std::string, double> metrics;  // "train_loss", "val_loss", ...
  int64_t images_trained = 0;
  int64_t images_evaluated = 0;
  double seconds = 0;  // wall clock: to run.log, never to the journal
  std::string reason;  // why it diverged, for people
};

// Training gave no finite numbers. It ends a training; in a search the member counts as the worst
// of its round and copies a donor.
class Diverged : public Error {
 public:
  explicit Diverged(const std::string& sentence, int64_t trained = 0)
      : Error(sentence), images_trained(trained) {}
  const int64_t images_trained;  // in this round, up to there
};
// What no trainer may say: a number out of range, a metric without a sound name, too many metrics.
// A sentence, or nothing if the result is within the limits above.
std::optional<std::string> limit_fault(const RoundResult& result);
// Such a round's result: no score, no checkpoint.
RoundResult diverged_result(const Diverged& diverged);

// One per worker; run() is called by one thread at a time.
class Trainer {
 public:
  virtual ~Trainer() = default;
  // Trains, evaluates once at the end if `work.evaluate` (the score is 0 otherwise), and writes the
  // checkpoint `work.to` durably. See docs/architecture.md#nothing-is-evaluated-without-a-decision.
  // `heartbeat(share)` is to be called at least every few seconds, share in 0..1. Throws Error;
  // Diverged, for the same work at the same place; Interrupted soon after `stop` is requested. The
  // last two leave nothing at work.to.
  virtual RoundResult run(const RoundWork& work, const std::function<void(double)>& heartbeat,
                          const StopToken& stop) = 0;
};

// Called once per worker, in the worker's own thread.
using TrainerFactory = std::function<std::unique_ptr<Trainer>(int worker)>;

}  // namespace popaug

#endif  // POPAUG_SEARCH_TRAINER_H_
