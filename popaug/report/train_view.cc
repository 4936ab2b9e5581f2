#include "popaug/report/train_view.h"

#include "popaug/augment/augment.h"
#include "popaug/report/internal/run_files.h"

namespace popaug {
namespace {

constexpr char kProgress[] = "progress.csv";

}  // namespace

double TrainView::total_seconds() const {
  double sum = 0;
  for (const double epoch : seconds) sum += epoch;
  return sum;
}

bool is_training(const fs::path& directory) {
  return !fs::exists(directory / "journal.jsonl") && fs::exists(directory / kProgress) &&
         fs::exists(directory / "used.schedule.json");
}

TrainView load_training(const fs::path& directory) {
  if (!is_training(directory)) throw Error(show_path(directory) + " contains no training");
  const AcceptUnknownOps names_and_values;
  TrainView view;
  view.directory = directory;
  view.name = run_name(directory);
  const auto part = [&](const char* file, const auto& read) {
    optional_part(directory, file, view.notes, read);
  };
  part("config.toml",
       [&](const fs::path& path) { view.config = read_regular_file(path, 1 << 20); });
  part(kProgress, [&](const fs::path& path) {
    for (const TrainingEpoch& epoch : read_training_progress(read_regular_file(path, 64 << 20))) {
      view.train_loss.push_back(epoch.train_loss);
      view.validation_loss.push_back(epoch.validation_loss);
      view.validation_accuracy.push_back(epoch.validation_accuracy);
    }
  });
  part("run.log", [&](const fs::path& path) { view.seconds = load_run_log(path).by_epoch; });
  part("used.schedule.json",
       [&](const fs::path& path) { view.schedule = read_run_schedule(path); });
  part("result.json", [&](const fs::path& path) { view.result = read_result(path, "train"); });
  part("choose.json", [&](const fs::path& path) { view.screening = read_run_json(path); });
  part("eval.json", [&](const fs::path& path) { view.evaluation = read_run_json(path); });
  return view;
}

void add_images(TrainView& view, const std::string& data, int rows) {
  if (!view.schedule) return;
  const Json seed = view.result.is_object() ? view.result.value("seed", Json()) : Json();
  view.samples = read_samples(data, view.config, *view.schedule,
                              seed.is_number_unsigned() ? seed.get<uint64_t>() : 0, rows);
  if (!view.samples.note.empty()) view.notes.push_back(view.samples.note);
}

}  // namespace popaug
