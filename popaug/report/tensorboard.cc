#include "popaug/report/tensorboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <map>
#include <protozero/pbf_writer.hpp>

#include "popaug/image/image.h"

namespace popaug {
namespace {

constexpr std::string_view kEnding = ".popaug";

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
enum Event { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5 };
enum Summary { kValue = 1 };
enum Value { kTag = 1, kSimpleValue = 2, kImage = 4 };
enum Picture { kHeight = 1, kWidth = 2, kColourSpace = 3, kEncoded = 4 };
constexpr int kRgb = 3;

void append_little(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += char(value >> (8 * i) & 255);
}

class EventFile {
 public:
  explicit EventFile(double seconds) : seconds_(seconds) {
    std::string event;
    protozero::pbf_writer writer(event);
    writer.add_double(kWallTime, seconds_);
    writer.add_string(kFileVersion, "brain.Event:2");
    record(event);
  }

  void scalar(const std::string& tag, int64_t step, double value) {
    if (!std::isfinite(value)) return;
    std::string inner;
    protozero::pbf_writer writer(inner);
    writer.add_string(kTag, tag);
    writer.add_float(kSimpleValue, float(value));
    summary(step, inner);
  }

  void image(const std::string& tag, int64_t step, const Image& picture) {
    std::string pixels, inner;
    protozero::pbf_writer image_writer(pixels);
    image_writer.add_int32(kHeight, picture.height());
    image_writer.add_int32(kWidth, picture.width());
    image_writer.add_int32(kColourSpace, kRgb);
    image_writer.add_bytes(kEncoded, encode_png(picture));
    protozero::pbf_writer writer(inner);
    writer.add_string(kTag, tag);
    writer.add_message(kImage, pixels);
    summary(step, inner);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  void summary(int64_t step, const std::string& value) {
    std::string list, event;
    protozero::pbf_writer list_writer(list);
    list_writer.add_message(kValue, value);
    protozero::pbf_writer writer(event);
    writer.add_double(kWallTime, seconds_);
    writer.add_int64(kStep, step);
    writer.add_message(kSummary, list);
    record(event);
  }

  // TFRecord: length, its checksum, the bytes, their checksum.
  void record(const std::string& event) {
    std::string length;
    append_little(length, event.size(), 8);
    bytes_ += length;
    append_little(bytes_, masked_crc32c(length), 4);
    bytes_ += event;
    append_little(bytes_, masked_crc32c(event), 4);
  }

  double seconds_;
  std::string bytes_;
};

void add_scores(EventFile& file, const RunView& view) {
  struct Mean {
    double sum = 0, best = -INFINITY;
    int count = 0;
  };
  std::map<int, Mean> by_epochs;
  std::map<std::pair<std::string, int>, Mean> metrics;
  for (const JournalResult& result : view.history.results) {
    if (result.score == kDiverged) continue;
    file.scalar(fmt::format("score/member {:03}", result.member), result.epochs, result.score);
    Mean& mean = by_epochs[result.epochs];
    mean.sum += result.score;
    mean.best = std::max(mean.best, result.score);
    ++mean.count;
    for (const auto& [name, value] : result.metrics) {
      Mean& metric = metrics[{name, result.epochs}];
      metric.sum += value;
      ++metric.count;
    }
  }
  for (const auto& [epochs, mean] : by_epochs) {
    file.scalar("population/best", epochs, mean.best);
    file.scalar("population/mean", epochs, mean.sum / mean.count);
  }
  for (const auto& [key, mean] : metrics) {
    file.scalar("metrics/" + key.first, key.second, mean.sum / mean.count);
  }
}

// A number of the trainer's settings; 0 if it is missing or not a number.
double number_of(const Json& trainer, const char* key) {
  const auto found = trainer.find(key);
  return found != trainer.end() && found->is_number() ? found->get<double>() : 0;
}

void add_schedule(EventFile& file, const RunView& view) {
  if (!view.schedule) return;
  const auto segments = summarise_schedule(*view.schedule);
  int epoch = 0;
  for (size_t s = 0; s < segments.size(); ++s) {
    const int last = epoch + view.schedule->segments[s].epochs - 1;
    for (const int step : {epoch, last}) {
      for (size_t op = 0; op < segments[s].size(); ++op) {
        const std::string& name = view.schedule->space.ops[op].op;
        file.scalar("probability/" + name, step, segments[s][op].probability);
        file.scalar("level/" + name, step, segments[s][op].level);
      }
      if (last == epoch) break;
    }
    epoch = last + 1;
  }
  const SearchSettings& settings = view.history.settings;
  for (int e = 0; settings.trainer.is_object() && e < std::min(settings.epochs, 2000); ++e) {
    file.scalar("learning_rate", e, rate_of_epoch(settings.trainer, e, settings.epochs));
  }
}

void add_pictures(EventFile& file, const RunView& view) {
  for (size_t moment = 0; moment < view.samples.moments.size(); ++moment) {
    std::vector<SheetCell> cells;
    for (const AugmentedRow& row : view.samples.rows) {
      cells.push_back({decode_image(row.stages.at(moment), "a picture of the report"),
                       row.label.substr(0, 16)});
    }
    if (cells.empty()) continue;
    file.image("augmented", view.samples.moments[moment],
               contact_sheet(cells, std::min<int>(int(cells.size()), 6), 3,
                             "epoch " + std::to_string(view.samples.moments[moment])));
  }
}

}  // namespace

double rate_of_epoch(const Json& trainer, int epoch, int epochs) {
  if (!trainer.is_object() || !trainer.contains("lr")) return NAN;
  const Json written = trainer.value("lr_rule", Json("constant"));
  const std::string rule = written.is_string() ? written.get<std::string>() : "";
  const std::vector<std::string> rules = learning_rate_rules();
  if (std::find(rules.begin(), rules.end(), rule) == rules.end()) return NAN;
  const double batch = number_of(trainer, "batch"), images = number_of(trainer, "train_images");
  const int steps = batch >= 1 ? std::max(1, static_cast<int>(images / batch)) : 1;
  return learning_rate(rule, number_of(trainer, "lr"),
                       static_cast<int>(number_of(trainer, "warmup_steps")),
                       {.epoch = epoch, .step = 0, .steps = steps, .total_epochs = epochs});
}

uint32_t crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0x82f63b78u : 0);
      made[i] = value;
    }
    return made;
  }();
  uint32_t crc = ~uint32_t{0};
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ uint8_t(c)) & 255];
  return ~crc;
}

uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

std::string tensorboard_events(const RunView& view, double seconds) {
  EventFile file(seconds);
  add_scores(file, view);
  add_schedule(file, view);
  add_pictures(file, view);
  return file.bytes();
}

void write_tensorboard(const RunView& view, const fs::path& directory) {
  fs::create_directories(directory);
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("events.out.tfevents.") && name.ends_with(kEnding)) {
      fs::remove(entry.path());
    }
  }
  const auto now = std::time(nullptr);
  write_file_atomic(directory / fmt::format("events.out.tfevents.{}{}", int64_t(now), kEnding),
                    tensorboard_events(view, double(now)));
}

}  // namespace popaug
