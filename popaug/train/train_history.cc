#include "popaug/train/train_history.h"

#include "popaug/train/setting_rows.h"

namespace popaug {
namespace {

void add_subset(Hasher& hasher, const Subset& subset) {
  if (subset.split == nullptr) return;
  const ImageSet& split = *subset.split;
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
  json.update(training_record(s));
  json["paper_pixels"] = s.paper_pixels;
  json["shards"] = s.shards;
  json["mixed_precision"] = s.mixed_precision;
  json["init"] = s.init.empty() ? "" : hash_hex(read_file(s.init));
  json["model"] = s.model.empty() ? "" : hash_hex(read_file(s.model));
  return json;
}

}  // namespace

bool TrainHistory::add(const TrainingEpoch& row) {
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
  const TrainingEpoch& row = rows.back();
  if (row.validated) {
    std::snprintf(text, sizeof(text), "loss %.3f, validation error %.2f %%", row.train_loss,
                  100 * (1 - row.validation_accuracy));
  } else {
    std::snprintf(text, sizeof(text), "loss %.3f", row.train_loss);
  }
  return text;
}

Json TrainHistory::to_json(const std::string& hash) const {
  Json json = {{"training", hash}, {"best_epoch", best_epoch}, {"partial_loss", partial_loss}};
  Json& list = json["epochs"] = Json::array();
  for (const TrainingEpoch& row : rows) {
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
    TrainingEpoch row;
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
  hasher.add_field(json_line(schedule_identity(bare)));
  hasher.add_field(json_line(Json(classes)));
  hasher.add_field(std::to_string(seed));
  add_subset(hasher, train);
  add_subset(hasher, validation);
  return hasher.hex();
}

}  // namespace popaug
