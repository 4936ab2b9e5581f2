// The run directory of a single training in the form that a report needs. Reading never writes.
#ifndef POPAUG_REPORT_TRAIN_VIEW_H_
#define POPAUG_REPORT_TRAIN_VIEW_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/report/run_view.h"

namespace popaug {

struct TrainView {
  fs::path directory;
  std::string name;  // the directory's name
  std::string config;
  Json result;                       // result.json, null until the training is over
  Json evaluation;                   // eval.json (what `popaug eval --json` prints), else null
  Json screening;                    // choose.json, where a screening chose the schedule
  std::optional<Schedule> schedule;  // used.schedule.json

  // From progress.csv, one entry for each epoch; NaN if nothing was measured.
  std::vector<double> train_loss, validation_loss, validation_accuracy;
  std::vector<double> seconds;  // of each epoch, from run.log
  std::vector<std::string> notes;
  Samples samples;  // empty until add_images()

  // The training of `popaug choose` writes no result.json: its last epoch ends it.
  bool finished() const {
    return result.is_object() || (screening.is_object() && schedule &&
                                  train_loss.size() == static_cast<size_t>(schedule->epochs()));
  }
  double total_seconds() const;
};

// Whether a directory contains a training and no search.
bool is_training(const fs::path& directory);
// Throws Error if the directory contains no training; anything else that is missing or broken
// becomes a note.
TrainView load_training(const fs::path& directory);
// As add_images() of a run.
void add_images(TrainView& view, const std::string& data, int rows = 6);

std::string report_html(const TrainView& view);
std::string report_markdown(const TrainView& view);
Json report_json(const TrainView& view);

}  // namespace popaug

#endif  // POPAUG_REPORT_TRAIN_VIEW_H_
