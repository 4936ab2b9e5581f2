#include "popaug/rundir/result_json.h"

#include <span>

#include "popaug/rundir/regular_file.h"

namespace popaug {
namespace {

constexpr int64_t kVersion = 1;
constexpr int64_t kMostCount = int64_t{1} << 53;
constexpr double kMostSeconds = 1e12;

Json head(const char* kind) {
  return {{"format", "popaug-result"}, {"version", kVersion}, {"kind", kind}};
}

void check_counts(JsonReader& reader, std::span<const char* const> keys) {
  for (const char* key : keys) reader.integer(key, 0, kMostCount);
}

void check_search(JsonReader& reader) {
  constexpr const char* kCounts[] = {"winner",         "population",       "rounds",
                                     "epochs",         "segments",         "copies_in_lineage",
                                     "images_trained", "images_evaluated", "workers",
                                     "sessions",       "failed_attempts"};
  check_counts(reader, kCounts);
  reader.number("score", -1e300, 1e300);
  for (const char* key : {"metric", "worker_kind", "settings_hash", "data"}) reader.text(key);
  for (const char* key : {"seconds", "worker_seconds"}) reader.number(key, 0, kMostSeconds);
  reader.object("machine");
}

void check_training(JsonReader& reader) {
  constexpr const char* kCounts[] = {"epochs",       "images_trained", "steps",
                                     "train_images", "best_epoch",     "seed"};
  check_counts(reader, kCounts);
  for (const char* key : {"network", "schedule", "data"}) reader.text(key);
  if (!reader.any("train_loss").is_null()) reader.number("train_loss", -1e300, 1e300);
  reader.number("seconds", 0, kMostSeconds);
}

}  // namespace

Json search_result_json(const SearchResult& r) {
  Json json = head("search");
  json.update({{"winner", r.winner},
               {"score", r.score},
               {"metric", r.metric},
               {"population", r.population},
               {"rounds", r.rounds},
               {"epochs", r.epochs},
               {"segments", r.segments},
               {"copies_in_lineage", r.copies_in_lineage},
               {"images_trained", r.images_trained},
               {"images_evaluated", r.images_evaluated},
               {"seconds", r.seconds},
               {"worker_seconds", r.worker_seconds},
               {"workers", r.workers},
               {"worker_kind", r.worker_kind},
               {"sessions", r.sessions},
               {"failed_attempts", r.failed_attempts},
               {"settings_hash", r.settings_hash},
               {"data", r.data},
               {"machine", r.machine}});
  return json;
}

Json training_result_json(const TrainingResult& r) {
  Json json = head("train");
  json.update({{"network", r.network},
               {"schedule", r.schedule},
               {"epochs", r.epochs},
               {"images_trained", r.images_trained},
               {"steps", r.steps},
               {"train_images", r.train_images},
               {"train_loss", r.train_loss ? Json(*r.train_loss) : Json()},
               {"best_epoch", r.best_epoch},
               {"seconds", r.seconds},
               {"seed", r.seed},
               {"data", r.data}});
  return json;
}

Json read_result(const fs::path& path, const std::string& kind) {
  Json json = parse_json(read_regular_file(path, JsonLimits().bytes), show_path(path));
  JsonReader reader(json, show_path(path));
  if (reader.text("format") != "popaug-result") {
    reader.fail("format", "expected \"popaug-result\"");
  }
  if (const int64_t version = reader.integer("version", 0, INT64_MAX); version != kVersion) {
    reader.fail("version", "this program reads version " + std::to_string(kVersion) +
                               " of results, this one has version " + std::to_string(version));
  }
  if (const std::string found = reader.text("kind"); found != kind) {
    reader.fail("kind", "expected " + quote(kind) + ", found " + quote(found));
  }
  kind == "search" ? check_search(reader) : check_training(reader);
  return json;
}

}  // namespace popaug
