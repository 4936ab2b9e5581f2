// progress.csv: a table for people and plots, of a search or of a training (docs/formats/run.md).
#ifndef POPAUG_RUNDIR_PROGRESS_CSV_H_
#define POPAUG_RUNDIR_PROGRESS_CSV_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace popaug {

// One member's round in a search.
struct SearchProgressRow {
  int round = 0, member = 0;
  int epochs = 0;               // trained by these weights in all
  std::optional<double> score;  // nothing: training diverged
  int64_t images_trained = 0, images_evaluated = 0;
  std::map<std::string, double> metrics;
};

// Makes the lines of a search's table. A row is complete only when the round is decided, because it
// names the donor.
class SearchProgressTable {
 public:
  // `out` gets whole lines.
  explicit SearchProgressTable(std::function<void(const std::string&)> out)
      : out_(std::move(out)) {}
  void add(SearchProgressRow row);
  // Writes the rows added since the last call. `copies`: (target, donor).
  void end_round(std::span<const std::pair<int, int>> copies);
  void redirect(std::function<void(const std::string&)> out) { out_ = std::move(out); }

 private:
  std::string header();

  std::function<void(const std::string&)> out_;
  std::vector<SearchProgressRow> open_;
  std::vector<std::string> metrics_;
  bool headed_ = false;
  std::optional<double> best_;
};

// One epoch of a training.
struct TrainingEpoch {
  int64_t steps = 0;      // done at its end
  double lr = 0;          // of its last step
  double train_loss = 0;  // mean of its steps
  bool validated = false;
  double validation_loss = 0, validation_accuracy = 0;
};

std::string training_progress_text(std::span<const TrainingEpoch> epochs);
// Throws Error for another table. Leaves out a torn last line; an unreadable number becomes NaN.
std::vector<TrainingEpoch> read_training_progress(std::string_view text);

}  // namespace popaug

#endif  // POPAUG_RUNDIR_PROGRESS_CSV_H_
