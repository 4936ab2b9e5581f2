#include "cli/setup.h"

#include <charconv>
#include <cmath>

namespace popaug::cli {

TrainSettings train_settings(const Settings& s) {
  TrainSettings t;
  t.network = s.network;
  t.batch = static_cast<int>(s.batch);
  t.lr = s.lr;
  t.lr_rule = s.lr_rule;
  t.weight_decay = s.weight_decay;
  t.momentum = s.momentum;
  t.clip = s.clip;
  t.label_smoothing = s.label_smoothing;
  t.warmup_steps = static_cast<int>(s.warmup_steps);
  t.conv = s.conv;
  t.device = s.device;
  t.paper_pixels = s.paper_pixels;
  t.shards = static_cast<int>(s.shards);
  t.mixed_precision = s.mixed_precision;
  t.init = s.init;
  t.model = s.model;
  return t;
}

Json trainer_json(const Settings& s) {
  return {{"network", s.network},
          {"model", s.model},
          {"init", s.init},
          {"batch", s.batch},
          {"lr", s.lr},
          {"lr_rule", s.lr_rule},
          {"weight_decay", s.weight_decay},
          {"momentum", s.momentum},
          {"clip", s.clip},
          {"label_smoothing", s.label_smoothing},
          {"warmup_steps", s.warmup_steps},
          {"conv", s.conv},
          {"mixed_precision", s.mixed_precision}};
}

SearchedAugmentation searched_augmentation(const Settings& s, bool grey,
                                           std::vector<std::string>* notes) {
  SearchedAugmentation a;
  if (!s.plugin.empty()) load_plugin(s.plugin);
  a.space = load_space(s.space);
  if (grey) {
    std::vector<std::string> left_out;
    a.space = space_for_grey(a.space, &left_out);
    if (!left_out.empty()) {
      notes->push_back("the images are grey: the search leaves out " + join(left_out, ", ") +
                       ", which cannot change them");
    }
  }
  a.rule.kind = RuleKind::kPba;
  a.base.pad = static_cast<int>(s.pad);
  a.base.flip = s.flip;
  a.base.cutout = static_cast<int>(s.cutout);
  a.base.scale_pixels = !s.paper_pixels;
  return a;
}

Json trainer_record(const Settings& s, const Inputs& inputs) {
  Json record = trainer_json(s);
  record["train_images"] = inputs.train.size();
  record["validation_images"] = inputs.validation.size();
  record["split"] = s.split.empty() ? "" : hash_hex(read_file(s.split));
  return record;
}

SearchSettings search_settings(const Settings& s, const SearchedAugmentation& augmentation,
                               const Inputs* inputs) {
  if (s.epochs == 0) {
    throw UsageError("how long to search is missing: give --rounds, --epochs or a --preset");
  }
  SearchSettings search;
  search.population = static_cast<int>(s.population);
  search.epochs = static_cast<int>(s.epochs);
  search.epochs_per_round = static_cast<int>(s.epochs_per_round);
  search.seed = static_cast<uint64_t>(s.seed);
  search.selection = selection_by_name(s.selection);
  search.fraction = s.fraction;
  search.significance = s.significance;
  search.explore.reset = s.reset_probability;
  search.space = augmentation.space;
  search.rule = augmentation.rule;
  search.base = augmentation.base;
  search.start = s.start;
  search.metric = s.metric;
  search.asynchronous = s.async;
  search.provenance["tool"] = "popaug " POPAUG_VERSION;
  if (inputs != nullptr) {
    search.data = inputs->fingerprint;
    search.trainer = trainer_record(s, *inputs);
    search.provenance["network"] = s.network;
    search.provenance["classes"] = inputs->data.classes.size();
    // So that a comparison sees whether the search saw its test images.
    search.provenance["searched"] = {fingerprint(*inputs->train_split)};
    if (inputs->validation_split != inputs->train_split) {
      search.provenance["searched"].push_back(fingerprint(*inputs->validation_split));
    }
  }
  check_settings(search);
  return search;
}

double parse_duration(const std::string& text, const std::string& flag) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const double scale = unit == "s" || unit.empty() ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (code != std::errc() || !std::isfinite(value) || value <= 0 || scale == 0) {
    throw UsageError(flag + ": expected a time such as 90s, 30m or 1.5h, found " + quote(text));
  }
  return value * scale;
}

}  // namespace popaug::cli
