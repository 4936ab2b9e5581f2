// The run directory of a training (docs/formats/run.md).
#ifndef POPAUG_TRAIN_TRAINING_DIRECTORY_H_
#define POPAUG_TRAIN_TRAINING_DIRECTORY_H_

#include <memory>
#include <optional>
#include <string>

#include "popaug/rundir/rundir.h"
#include "popaug/train/train_history.h"

namespace popaug {

class TrainingDirectory {
 public:
  // `run`: the directory as the caller opened it; nullptr: open() opens it.
  TrainingDirectory(const fs::path& directory, std::shared_ptr<RunDirectory> run)
      : directory_(directory), run_(std::move(run)) {}
  // The checkpoint to resume from, empty if there is none: that of a training under way, or the
  // last weights of one that ended before its result was written. Throws Error if the directory has
  // a training and `resume` is false, or if that training is finished.
  fs::path open(bool resume);
  void write_progress(const TrainHistory& history);
  // One line of run.log: what the clock and the machine add.
  void log(const std::string& event, const Json& fields) { log_->write(event, fields); }
  // The training is over: its checkpoint goes.
  void close();

  fs::path checkpoint() const { return directory_ / "checkpoint.safetensors"; }
  fs::path best() const { return directory_ / "best.safetensors"; }
  fs::path last() const { return directory_ / "last.safetensors"; }

 private:
  fs::path directory_;
  std::shared_ptr<RunDirectory> run_;
  std::optional<RunLog> log_;
};

}  // namespace popaug

#endif  // POPAUG_TRAIN_TRAINING_DIRECTORY_H_
