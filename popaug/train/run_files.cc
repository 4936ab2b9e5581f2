#include "popaug/train/run_files.h"

#include <chrono>

namespace popaug {
namespace {

void add_subset(Hasher& hasher, const Subset& subset) {
  if (subset.split == nullptr) return;
  const Split& split = *subset.split;
  hasher.add_field(json_line(Json{split.width, split.height, split.channels}));
  std::string labels;
  for (const uint32_t index : subset.indices) {
    labels += std::to_string(index) + ":" + std::to_string(split.labels[index]) + ",";
    const auto image = split.pixels.subspan(index * split.image_bytes(), split.image_bytes());
    hasher.add({reinterpret_cast<const char*>(image.data()), image.size()});
  }
  hasher.add_field(labels);
}

Json settings_json(const TrainSettings& s) {
  Json json = {{"network", s.network}};
  json.update(learning_json(s));
  json["paper_pixels"] = s.paper_pixels;
  json["shards"] = s.shards;
  json["mixed_precision"] = s.mixed_precision;
  json["init"] = s.init.empty() ? "" : hash_hex(read_file(s.init));
  json["model"] = s.model.empty() ? "" : hash_hex(read_file(s.model));
  return json;
}

}  // namespace

bool TrainHistory::add(const EpochRow& row) {
  rows.push_back(row);
  if (!row.validated) {
    best_epoch = epochs();
    return false;
  }
  const bool better =
      best_epoch == 0 || row.validation_accuracy > rows[best_epoch - 1].validation_accuracy;
  if (better) best_epoch = epochs();
  return better;
}

std::string TrainHistory::note() const {
  if (rows.empty()) return "first epoch";
  char text[96];
  const EpochRow& row = rows.back();
  if (row.validated) {
    std::snprintf(text, sizeof(text), "loss %.3f, validation error %.2f %%", row.train_loss,
                  100 * (1 - row.validation_accuracy));
  } else {
    std::snprintf(text, sizeof(text), "loss %.3f", row.train_loss);
  }
  return text;
}

std::string TrainHistory::csv() const {
  std::string text = "epoch,steps,lr,train_loss,validation_loss,validation_accuracy\n";
  for (size_t i = 0; i < rows.size(); ++i) {
    const EpochRow& row = rows[i];
    text += std::to_string(i + 1) + "," + std::to_string(row.steps) + "," + number_text(row.lr) +
            "," + number_text(row.train_loss) + ",";
    if (row.validated) {
      text += number_text(row.validation_loss) + "," + number_text(row.validation_accuracy);
    } else {
      text += ",";
    }
    text += "\n";
  }
  return text;
}

Json TrainHistory::to_json(const std::string& hash) const {
  Json json = {{"training", hash}, {"best_epoch", best_epoch}, {"partial_loss", partial_loss}};
  Json& list = json["epochs"] = Json::array();
  for (const EpochRow& row : rows) {
    Json item = {{"steps", row.steps}, {"lr", row.lr}, {"train_loss", row.train_loss}};
    if (row.validated) {
      item["validation_loss"] = row.validation_loss;
      item["validation_accuracy"] = row.validation_accuracy;
    }
    list.push_back(item);
  }
  return json;
}

TrainHistory TrainHistory::from_json(const Json& json, const std::string& origin,
                                     const std::string& hash) {
  JsonReader reader(json, origin);
  if (reader.text("training") != hash) {
    throw Error(origin +
                ": belongs to a training with other settings or data; give the same "
                "settings, or train into another directory");
  }
  TrainHistory history;
  history.best_epoch = static_cast<int>(reader.integer("best_epoch", 0, INT32_MAX));
  history.partial_loss = reader.number("partial_loss", -1e300, 1e300);
  for (const Json& item : reader.array("epochs")) {
    JsonReader fields(item, origin + ": epochs");
    EpochRow row;
    row.steps = fields.integer("steps", 0, INT64_MAX);
    row.lr = fields.number("lr", 0, 1e9);
    row.train_loss = fields.number("train_loss", -1e300, 1e300);
    row.validated = fields.has("validation_loss");
    if (row.validated) {
      row.validation_loss = fields.number("validation_loss", -1e300, 1e300);
      row.validation_accuracy = fields.number("validation_accuracy", 0, 1);
    }
    fields.finish();
    history.rows.push_back(row);
  }
  reader.finish();
  return history;
}

std::string training_hash(const TrainSettings& settings, const Schedule& schedule,
                          const std::vector<std::string>& classes, const Subset& train,
                          const Subset& validation, uint64_t seed) {
  Hasher hasher;
  hasher.add_field(json_line(settings_json(settings)));
  Schedule bare = schedule;
  bare.provenance = Json::object();
  hasher.add_field(json_line(schedule_to_json(bare)));
  hasher.add_field(json_line(Json(classes)));
  hasher.add_field(std::to_string(seed));
  add_subset(hasher, train);
  add_subset(hasher, validation);
  return hasher.hex();
}

RunFiles::RunFiles(const fs::path& directory, const std::string& hash)
    : directory_(directory), hash_(hash) {}

fs::path RunFiles::open(bool resume) {
  std::error_code ignored;
  fs::create_directories(directory_, ignored);
  lock_.emplace(directory_);
  const bool started = fs::exists(checkpoint()) || fs::exists(directory_ / "progress.csv");
  const bool finished = fs::exists(last());
  if (!resume && (started || finished)) {
    throw Error(show_path(directory_) +
                ": a training stands there already; continue it with --resume, or name another "
                "directory");
  }
  if (finished && fs::exists(directory_ / "result.json")) {
    throw Error(show_path(directory_) + ": the training there is finished");
  }
  if (finished) return last();
  return fs::exists(checkpoint()) ? checkpoint() : fs::path();
}

void RunFiles::write_progress(const TrainHistory& history) {
  write_file_atomic(directory_ / "progress.csv", history.csv());
}

void RunFiles::log(const std::string& event, Json fields) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Json line = {{"time", std::chrono::duration_cast<std::chrono::seconds>(now).count()},
               {"event", event}};
  line.update(fields);
  const fs::path path = directory_ / "run.log";
  const uint64_t size = fs::exists(path) ? fs::file_size(path) : 0;
  AppendFile(path, size).append(json_line(line) + "\n");
}

void RunFiles::close() {
  std::error_code ignored;
  fs::remove(checkpoint(), ignored);
  lock_.reset();
}

}  // namespace popaug
