// The files of a training's run directory, and the history that its checkpoints carry.
#ifndef POPAUG_TRAIN_RUN_FILES_H_
#define POPAUG_TRAIN_RUN_FILES_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/schedule/schedule.h"
#include "popaug/train/settings.h"

namespace popaug {

struct EpochRow {
  int64_t steps = 0;      // done at its end
  double lr = 0;          // of its last step
  double train_loss = 0;  // mean of its steps
  bool validated = false;
  double validation_loss = 0, validation_accuracy = 0;
};

// Everything that a resumed training must know beside weights and momentum.
struct TrainHistory {
  std::vector<EpochRow> rows;
  double partial_loss = 0;  // sum over the steps of the epoch that is under way
  int best_epoch = 0;       // from 1

  int epochs() const { return static_cast<int>(rows.size()); }
  // Appends; true if this epoch is the best by validation so far.
  bool add(const EpochRow& row);
  std::string note() const;  // a few words for a progress line
  std::string csv() const;
  Json to_json(const std::string& hash) const;
  // Error if the checkpoint belongs to a training with another hash.
  static TrainHistory from_json(const Json& json, const std::string& origin,
                                const std::string& hash);
};

// Hash of all that determines a training's result.
std::string training_hash(const TrainSettings& settings, const Schedule& schedule,
                          const std::vector<std::string>& classes, const Subset& train,
                          const Subset& validation, uint64_t seed);

class RunFiles {
 public:
  RunFiles(const fs::path& directory, const std::string& hash);
  // Makes and locks the directory. The checkpoint to resume from, empty if there is none: that of a
  // training under way, or the last weights of one that ended before its result was written. Error
  // if a training stands there and `resume` is false, or is finished already.
  fs::path open(bool resume);
  void write_progress(const TrainHistory& history);
  // One line of run.log: what the clock and the machine add.
  void log(const std::string& event, Json fields);
  // The training is over: its checkpoint goes.
  void close();

  fs::path checkpoint() const { return directory_ / "checkpoint.safetensors"; }
  fs::path best() const { return directory_ / "best.safetensors"; }
  fs::path last() const { return directory_ / "last.safetensors"; }
  const std::string& hash() const { return hash_; }

 private:
  fs::path directory_;
  std::string hash_;
  std::optional<DirectoryLock> lock_;
};

}  // namespace popaug

#endif  // POPAUG_TRAIN_RUN_FILES_H_
