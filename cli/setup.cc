#include "cli/setup.h"

#include <atomic>
#include <charconv>
#include <cmath>

#include "cli/searched.h"
#include "cli/training.h"

namespace popaug::cli {
namespace {

// A schedule to start from; a name that is neither a file nor shipped gets the words that would do.
Schedule start_schedule(const std::string& name) {
  std::vector<std::string> known = {"zero", "random"};
  for (const std::string& shipped : shipped_schedule_names()) known.push_back(shipped);
  const bool shipped = std::find(known.begin(), known.end(), name) != known.end();
  if (!shipped && !fs::exists(name)) {
    throw UsageError("--start: " + unknown_name("start", name, known) +
                     ", and there is no such schedule file");
  }
  return find_schedule(name);
}

// Whether members are networks that this program trains; somebody else's worker is its own affair.
bool trains_here(const Settings& s) { return s.trainer == "network" && s.worker_cmd.empty(); }

// What is searched beside the defaults of the space.
void set_searched(const Settings& s, const SearchedAugmentation& augmentation,
                  SearchSettings& search) {
  // Somebody else's worker may understand genes that our own trainer does not.
  search.genes = parse_genes(s.genes, trains_here(s));
  for (const Gene& gene : search.genes) {
    if (gene.name != "pad" || s.resized_crop == 0) continue;
    throw UsageError(
        "--genes: \"pad\" cannot be searched beside --resized-crop, which takes the place of "
        "padding and crop");
  }
  search.limits = parse_limits(s.limits, augmentation.space, augmentation.left_out);
  search.explore.reset = s.reset_probability;
  search.explore.amounts = parse_amounts(s.amounts);
  search.copies = static_cast<int>(s.copies);
  search.start = s.start;
  if (s.start == "zero" || s.start == "random") return;
  search.start = "policy";
  search.start_policy = start_policy(start_schedule(s.start), augmentation.space, search.copies,
                                     augmentation.left_out);
}

}  // namespace

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
  t.resized_crop = s.resized_crop;
  t.shards = static_cast<int>(s.shards);
  t.mixed_precision = s.mixed_precision;
  t.init = s.init;
  t.model = s.model;
  return t;
}

Json trainer_json(const Settings& s) {
  Json json = {{"network", s.network}, {"model", s.model}, {"init", s.init}};
  json.update(learning_json(train_settings(s)));
  json["mixed_precision"] = s.mixed_precision;
  return json;
}

SearchedAugmentation searched_augmentation(const Settings& s, bool grey,
                                           std::vector<std::string>* notes) {
  SearchedAugmentation a;
  if (!s.plugin.empty()) load_plugin(s.plugin);
  a.space = only_ops(load_space(s.space), s.ops);
  if (grey) {
    a.space = space_for_grey(a.space, &a.left_out);
    if (!a.left_out.empty()) {
      notes->push_back("the images are grey: the search leaves out " + join(a.left_out, ", ") +
                       ", which cannot change them");
    }
  }
  a.rule.kind = RuleKind::kPba;
  a.base.pad = static_cast<int>(s.pad);
  if (s.resized_crop > 0) a.base.use_resized_crop(s.resized_crop);
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
  search.space = augmentation.space;
  search.rule = augmentation.rule;
  search.base = augmentation.base;
  set_searched(s, augmentation, search);
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

void check_search(const Settings& settings) {
  std::vector<std::string> notes;
  search_settings(settings, searched_augmentation(settings, false, &notes), nullptr);
  if (trains_here(settings) && settings.model.empty()) {
    training().check_network_name(settings.network);
  }
}

int worker_count(const Settings& s) {
  if (s.workers > 0) return static_cast<int>(s.workers);
  return trains_here(s) ? training().default_workers(s.device) : available_cores();
}

int64_t images_of_epoch(size_t images, const Settings& settings) {
  const auto count = static_cast<int64_t>(images);
  const int64_t batch = std::max<int64_t>(1, settings.batch);
  return std::max(batch, count / batch * batch);
}

ScheduleTrainers schedule_trainers(const Settings& s, const std::vector<std::string>& classes,
                                   const Subset& train, const Subset& judge) {
  const auto next = std::make_shared<std::atomic<int>>(0);
  return [settings = train_settings(s), classes, train, judge, next](const Schedule& schedule) {
    return training().make_trainer_factory(settings, schedule.space, schedule.rule, schedule.base,
                                           classes, train, judge, "accuracy")((*next)++);
  };
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
