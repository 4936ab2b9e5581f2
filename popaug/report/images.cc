// Images of the user's data set, augmented at moments of the schedule.
#include <algorithm>
#include <memory>

#include "popaug/data/data.h"
#include "popaug/report/mixed_pairs.h"

namespace popaug {
namespace {

constexpr int kLargestSide = 256;  // of images inside a report

// Reads a text of the section [data] of config.toml; returns "" if there is none.
std::string data_setting(const std::string& config, const char* key) {
  const Json toml = parse_toml(config, "config.toml");
  const Json section = toml.value("data", Json::object());
  const Json value = section.is_object() ? section.value(key, Json()) : Json();
  return value.is_string() ? value.get<std::string>() : "";
}

bool data_switch(const std::string& config, const char* key) {
  const Json section = parse_toml(config, "config.toml").value("data", Json::object());
  const Json value = section.is_object() ? section.value(key, Json()) : Json();
  return value.is_boolean() && value.get<bool>();
}

Samples samples_of(const Dataset& data, const Schedule& schedule, uint64_t seed, size_t rows) {
  const ImageSet* split = data.train_or_first();
  if (!split || split->count() == 0) throw Error("there is no image in it");
  if (std::max(split->width, split->height) > kLargestSide) {
    throw Error("its images have " + std::to_string(split->width) + "x" +
                std::to_string(split->height) + " pixels, too large for a report");
  }
  const int last = schedule.epochs() - 1;
  Samples samples;
  samples.moments = {0, last / 2, last};
  const std::vector<float> zeros(size_t(split->channels), 0.0f);
  const std::vector<float> ones(size_t(split->channels), 1.0f);
  std::vector<std::unique_ptr<Augmenter>> stages;
  for (const int epoch : samples.moments) {
    stages.push_back(make_augmenter(schedule, schedule.segment_of(epoch), {zeros, ones},
                                    split->width, split->height, split->channels));
  }
  for (const uint32_t index : classes_in_turn(*split, data.classes.size(), rows)) {
    const Image image = split_image(*split, index);
    AugmentedRow row{data.classes.at(split->labels[index]), encode_png(image), {}};
    for (size_t s = 0; s < stages.size(); ++s) {
      const SampleKey key{seed, 0, uint32_t(samples.moments[s]), index};
      row.stages.push_back(encode_png(stages[s]->augment(image, key)));
    }
    samples.rows.push_back(std::move(row));
  }
  // Of the last epoch that mixes.
  int epoch = last;
  for (size_t i = schedule.segments.size(); i-- > 0; epoch -= schedule.segments[i].epochs) {
    if (!schedule.base_of(i).mixes() || split->count() < 2) continue;
    samples.mixed = mixed_pairs(*split, data.classes, schedule, epoch, seed, rows);
    samples.mixed_epoch = epoch;
    break;
  }
  return samples;
}

}  // namespace

Samples read_samples(const std::string& data, const std::string& config, const Schedule& schedule,
                     uint64_t seed, int rows) {
  std::string path = data;
  try {
    if (path.empty()) path = data_setting(config, "data");
    if (path.empty()) return {};
    ReadOptions options;
    if (const std::string size = data_setting(config, "size"); !size.empty()) {
      const Size asked = parse_size(size);
      options.width = asked.width;
      options.height = asked.height;
    }
    options.fit = parse_fit(data_setting(config, "fit"));
    parse_range(data_setting(config, "range"), options);
    options.rules.background = parse_background(data_setting(config, "background"));
    options.image_column = data_setting(config, "image_column");
    options.label_column = data_setting(config, "label_column");
    options.allow_outside = data_switch(config, "allow_outside");
    options.keep_going = data_switch(config, "keep_going");
    return samples_of(read_dataset(path, options), schedule, seed, size_t(rows));
  } catch (const std::exception& error) {
    Samples none;
    none.note = "no augmented images of " + show_path(path) + ": " + error.what();
    return none;
  }
}

void add_images(RunView& view, const std::string& data, int rows) {
  if (!view.schedule) return;
  view.samples = read_samples(data, view.config, *view.schedule, view.history.settings.seed, rows);
  if (!view.samples.note.empty()) view.notes.push_back(view.samples.note);
}

}  // namespace popaug
