#include "popaug/report/train_view.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace popaug {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr char kProgress[] = "progress.csv";

double value_of(const std::string& field) {
  double value = 0;
  const auto [end, code] = std::from_chars(field.data(), field.data() + field.size(), value);
  return code == std::errc() && end == field.data() + field.size() ? value : kUnknown;
}

// progress.csv: epoch, steps, lr, train_loss, validation_loss, validation_accuracy.
void read_progress(std::string_view text, TrainView& view) {
  const std::vector<std::string> lines = split(text, '\n');
  constexpr size_t kColumns = 6;
  if (lines.empty() ||
      trim(lines[0]) != "epoch,steps,lr,train_loss,validation_loss,validation_accuracy") {
    throw Error("its columns are not those of a training");
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> fields = split(trim(lines[i]), ',');
    if (fields.size() != kColumns) continue;  // the end, or a torn line
    view.train_loss.push_back(value_of(fields[3]));
    view.validation_loss.push_back(value_of(fields[4]));
    view.validation_accuracy.push_back(value_of(fields[5]));
  }
}

// An epoch that a resumed training repeated counts both times: it was paid for.
void read_log(std::string_view text, TrainView& view) {
  constexpr int64_t kMostEpochs = 1'000'000;
  for (const std::string& line : split(text, '\n')) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || json.value("event", Json()) != Json("epoch")) continue;
    const Json epoch = json.value("epoch", Json()), seconds = json.value("seconds", Json());
    if (!epoch.is_number_integer() || !seconds.is_number()) continue;
    const auto number = epoch.get<int64_t>();
    if (number < 1 || number > kMostEpochs) continue;
    if (view.seconds.size() < size_t(number)) view.seconds.resize(size_t(number));
    view.seconds[size_t(number) - 1] += std::max(0.0, seconds.get<double>());
  }
}

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
  if (!is_training(directory)) throw Error(show_path(directory) + " holds no training");
  TrainView view;
  view.directory = directory;
  view.name = run_name(directory);
  const auto part = [&](const char* file, const auto& read) {
    if (!fs::exists(directory / file)) return;
    try {
      read(directory / file);
    } catch (const std::exception& error) {
      view.notes.push_back(std::string(file) + " was left out: " + error.what());
    }
  };
  part("config.toml", [&](const fs::path& path) { view.config = read_file(path, 1 << 20); });
  part(kProgress, [&](const fs::path& path) { read_progress(read_file(path, 64 << 20), view); });
  part("run.log", [&](const fs::path& path) { read_log(read_file(path, 256 << 20), view); });
  part("used.schedule.json", [&](const fs::path& path) { view.schedule = load_schedule(path); });
  part("result.json", [&](const fs::path& path) { view.result = read_json(path); });
  part("eval.json", [&](const fs::path& path) { view.evaluation = read_json(path); });
  return view;
}

void add_images(TrainView& view, const std::string& data, int rows) {
  if (!view.schedule) return;
  const Json seed = view.result.is_object() ? view.result.value("seed", Json()) : Json();
  Samples samples = read_samples(data, view.config, *view.schedule,
                                 seed.is_number_unsigned() ? seed.get<uint64_t>() : 0, rows);
  view.moments = std::move(samples.moments);
  view.images = std::move(samples.rows);
  if (!samples.note.empty()) view.notes.push_back(samples.note);
}

}  // namespace popaug
