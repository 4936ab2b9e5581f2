#include "popaug/train/training_directory.h"

namespace popaug {

fs::path TrainingDirectory::open(bool resume) {
  if (!run_) {
    run_ = std::make_shared<RunDirectory>(directory_, training_run(),
                                          resume ? RunStart::kEither : RunStart::kNew);
  }
  const bool finished = fs::exists(last());
  if (finished && fs::exists(directory_ / "result.json")) {
    throw Error(show_path(directory_) + ": the training there is finished");
  }
  log_.emplace(directory_ / "run.log");
  if (finished) return last();
  return fs::exists(checkpoint()) ? checkpoint() : fs::path();
}

void TrainingDirectory::write_progress(const TrainHistory& history) {
  write_file_atomic(directory_ / "progress.csv", training_progress_text(history.rows));
}

void TrainingDirectory::close() {
  std::error_code ignored;
  fs::remove(checkpoint(), ignored);
  run_.reset();
}

}  // namespace popaug
