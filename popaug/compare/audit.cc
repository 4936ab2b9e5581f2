#include "popaug/compare/audit.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "popaug/rundir/rundir.h"

namespace popaug {
namespace {

constexpr int kVersion = 2;
constexpr char kClean[] = "clean";

Json common_settings(const AuditSettings& settings) {
  Json cells = Json::array(), seeds = Json::array();
  for (const AuditCell& cell : settings.cells) cells.push_back(cell.name());
  for (const uint64_t seed : settings.seeds) seeds.push_back(seed);
  Json common = {{"format", "popaug-audit-runs"},
                 {"version", kVersion},
                 {"space", hash_hex(json_line(space_to_json(settings.space)))},
                 {"cells", std::move(cells)},
                 {"seeds", std::move(seeds)},
                 {"epochs", settings.epochs},
                 {"probability", settings.probability},
                 {"scale_pixels", settings.scale_pixels},
                 {"data", settings.data},
                 {"trainer", settings.trainer}};
  for (const AuditCell& cell : settings.cells) {
    if (cell.recipe) common["recipes"][cell.name()] = schedule_hash(*cell.recipe);
  }
  return common;
}

// A schedule without base transforms that applies the op of the cell (if any) to each image with
// the probability of the audit; or the recipe of the cell, with its own base transforms.
Schedule schedule_with(const AuditSettings& settings, const AuditCell* cell) {
  if (cell != nullptr && cell->recipe) return *cell->recipe;  // of the name of the cell
  Schedule schedule;
  schedule.name = cell == nullptr ? kClean : cell->name();
  schedule.rule = {.kind = RuleKind::kPba, .count_weights = {0, 1}};
  schedule.base.scale_pixels = settings.scale_pixels;
  schedule.space = settings.space;
  Segment segment{.epochs = settings.epochs, .policy = {}};
  if (cell != nullptr) {
    schedule.space.ops = {cell->op};
    segment.policy.entries = {{.op = 0, .probability = settings.probability, .level = cell->level}};
  }
  schedule.segments = {segment};
  return schedule;
}

// Identifies a line of runs.jsonl: (kind, cell, seed).
struct Key {
  bool training;
  std::string cell;
  uint64_t seed;
  auto operator<=>(const Key&) const = default;
};

class Runner {
 public:
  Runner(const AuditSettings& settings, const ImageSet& images,
         const std::vector<uint32_t>& indices, const AuditTrainers& trainers,
         const AuditOptions& options, Progress& progress, const StopToken& stop)
      : settings_(settings),
        images_(images),
        indices_(indices),
        trainers_(trainers),
        options_(options),
        progress_(progress),
        stop_(stop),
        lines_(options.directory / "runs.jsonl", common_settings(settings), "audit",
               options.resume) {
    for (const ResultLines::Line& line : lines_.found()) remember(line);
    for (const uint64_t seed : settings.seeds) {
      total_ += lacks(true, kClean, seed);
      for (const AuditCell& cell : settings.cells) {
        total_ += lacks(true, cell.name(), seed) + kEvaluation * lacks(false, cell.name(), seed);
      }
    }
  }

  AuditMeasures run() {
    train_clean();
    parallel_for(settings_.cells.size(), options_.workers,
                 [&](size_t i) { evaluate(settings_.cells[i]); });
    for (const uint64_t seed : settings_.seeds) fs::remove(checkpoint(seed));
    // Seed by seed, so that an early stop leaves whole blocks.
    const size_t cells = settings_.cells.size();
    parallel_for(cells * settings_.seeds.size(), options_.workers, [&](size_t i) {
      const AuditCell& cell = settings_.cells[i % cells];
      const uint64_t seed = settings_.seeds[i / cells];
      if (lacks(true, cell.name(), seed)) train(&cell, seed, {});
    });
    return collect();
  }

 private:
  static constexpr double kEvaluation = 0.1;  // of a training's time, for the progress line only

  fs::path checkpoint(uint64_t seed) const {
    return options_.directory / ("clean-" + std::to_string(seed) + ".safetensors");
  }

  bool lacks(bool training, const std::string& cell, uint64_t seed) {
    const std::lock_guard lock(mutex_);
    return !done_.contains({training, cell, seed});
  }

  void remember(const ResultLines::Line& line) {
    JsonReader reader(line.json, line.origin);
    const std::string kind = reader.text("kind");
    if (kind != "training" && kind != "images") reader.fail("kind", "is not known");
    const Key key{kind == "training", reader.text("cell"), reader.unsigned64("seed")};
    if (key.training) {
      reader.number("accuracy", 0, 1);
      reader.number("train_loss", 0, 1e12);
      reader.integer("images_trained", 0, int64_t{1} << 53);
    } else {
      reader.integer("images", 1, int64_t{1} << 40);
    }
    if (!key.training || key.cell == kClean) check_wrong(reader, key.training);
    reader.finish();
    done_.insert_or_assign(key, line.json);
  }

  // The answers must be possible: no more wrong ones of a label than images with it. Images under
  // an op may repeat the validation images, once for each sign.
  void check_wrong(JsonReader& reader, bool training) const {
    const int64_t classes = static_cast<int64_t>(settings_.classes.size());
    const auto images = static_cast<int64_t>(indices_.size());
    const int64_t seen = training ? images : reader.integer("images", images, 2 * images);
    if (seen % images != 0) reader.fail("images", "is not a multiple of the validation images");
    std::vector<int64_t> left(settings_.classes.size(), 0);
    for (const uint32_t label : labels()) left[label] += seen / images;
    for (const Json& item : reader.array("wrong")) {
      bool good = item.is_array() && item.size() == 3;
      for (size_t i = 0; good && i < 3; ++i) {
        good = item[i].is_number_integer() && item[i] >= 0 && (i == 2 || item[i] < classes);
      }
      if (!good) reader.fail("wrong", "expected lists of a label, a prediction and a count");
      const int64_t count = item[2].get<int64_t>();
      int64_t& most = left[item[0].get<size_t>()];
      if (item[0] == item[1] || count > most) {
        reader.fail("wrong", "contradicts the labels of the validation images");
      }
      most -= count;
    }
  }

  // Reports the progress of one piece of work of `weight`, while it runs and when it is done.
  void tick(const Key& key, double weight, double share) {
    const std::lock_guard lock(mutex_);
    shares_[key] = weight * share;
    double done = 0;
    for (const auto& [_, part] : shares_) done += part;
    progress_.update(done, std::max(done, total_),
                     key.cell + (key.training ? ", training with it" : ", images with it"));
  }

  void add(const Key& key, Json line, double weight) {
    lines_.add(line);
    {
      const std::lock_guard lock(mutex_);
      done_.emplace(key, std::move(line));
    }
    tick(key, weight, 1);
  }

  // Wrong answers as (label, predicted, how often); correct answers are the remaining labels.
  static Json wrong_answers(const std::vector<uint32_t>& labels,
                            const std::vector<uint32_t>& predicted) {
    if (labels.size() != predicted.size()) {
      throw Error("the audit's evaluation gave no prediction for each image");
    }
    std::map<std::pair<uint32_t, uint32_t>, int64_t> wrong;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] != predicted[i]) ++wrong[{labels[i], predicted[i]}];
    }
    Json list = Json::array();
    for (const auto& [pair, count] : wrong) list.push_back({pair.first, pair.second, count});
    return list;
  }

  std::vector<uint32_t> labels() const {
    std::vector<uint32_t> labels;
    for (const uint32_t index : indices_) labels.push_back(images_.labels[index]);
    return labels;
  }

  void train(const AuditCell* cell, uint64_t seed, const fs::path& to) {
    if (stop_.requested()) throw Interrupted("the audit was stopped");
    const Schedule schedule = schedule_with(settings_, cell);
    const Key key{true, schedule.name, seed};
    const std::unique_ptr<Trainer> trainer = trainers_.trainer(schedule);
    RoundWork round;
    round.epochs = round.total_epochs = settings_.epochs;
    round.seed = seed;
    round.policy = schedule.segments.front().policy;  // a recipe has one
    round.to = to;
    const RoundResult result = trainer->run(
        round, [&](double share) { tick(key, 1, share); }, stop_);
    Json line = {{"kind", "training"},
                 {"cell", schedule.name},
                 {"seed", seed},
                 {"accuracy", result.metrics.at("val_accuracy")},
                 {"train_loss", result.metrics.at("train_loss")},
                 {"images_trained", result.images_trained}};
    if (cell == nullptr) line["wrong"] = wrong_answers(labels(), trainers_.predict(to, nullptr));
    if (lacks(true, schedule.name, seed)) add(key, std::move(line), 1);
  }

  // Networks without augmentation are kept until all images have been evaluated with them.
  void train_clean() {
    parallel_for(settings_.seeds.size(), options_.workers, [&](size_t i) {
      const uint64_t seed = settings_.seeds[i];
      bool images_wait = false;
      for (const AuditCell& cell : settings_.cells) {
        images_wait = images_wait || lacks(false, cell.name(), seed);
      }
      if (lacks(true, kClean, seed) || (images_wait && !fs::exists(checkpoint(seed)))) {
        train(nullptr, seed, checkpoint(seed));
      }
    });
  }

  void evaluate(const AuditCell& cell) {
    ImageSet split;
    for (const uint64_t seed : settings_.seeds) {
      if (!lacks(false, cell.name(), seed)) continue;
      if (stop_.requested()) throw Interrupted("the audit was stopped");
      if (split.labels.empty()) split = augmented_images(cell, settings_, images_, indices_);
      add({false, cell.name(), seed},
          {{"kind", "images"},
           {"cell", cell.name()},
           {"seed", seed},
           {"images", split.count()},
           {"wrong", wrong_answers(split.labels, trainers_.predict(checkpoint(seed), &split))}},
          kEvaluation);
    }
  }

  // Adds the answers of a line, which cover the validation images `repeats` times.
  void add_answers(const Json& line, int64_t repeats,
                   std::vector<std::vector<int64_t>>& confusion) const {
    const size_t classes = settings_.classes.size();
    confusion.resize(classes, std::vector<int64_t>(classes, 0));
    for (const uint32_t label : labels()) confusion[label][label] += repeats;
    for (const Json& wrong : line.at("wrong")) {
      const size_t label = wrong.at(0).get<size_t>(), predicted = wrong.at(1).get<size_t>();
      confusion[label][predicted] += wrong.at(2).get<int64_t>();
      confusion[label][label] -= wrong.at(2).get<int64_t>();
    }
  }

  CellMeasure measure(const std::string& cell) const {
    CellMeasure m;
    for (const uint64_t seed : settings_.seeds) {
      const Json& training = done_.at({true, cell, seed});
      m.accuracy.push_back(training.at("accuracy").get<double>());
      m.train_loss.push_back(training.at("train_loss").get<double>());
      if (cell == kClean) {
        add_answers(training, 1, m.confusion);
        continue;
      }
      const Json& images = done_.at({false, cell, seed});
      add_answers(images, images.at("images").get<int64_t>() / int64_t(indices_.size()),
                  m.confusion);
    }
    return m;
  }

  AuditMeasures collect() const {
    AuditMeasures measures;
    measures.clean = measure(kClean);
    for (const AuditCell& cell : settings_.cells) measures.cells.push_back(measure(cell.name()));
    return measures;
  }

  const AuditSettings& settings_;
  const ImageSet& images_;
  const std::vector<uint32_t>& indices_;
  const AuditTrainers& trainers_;
  const AuditOptions& options_;
  Progress& progress_;
  const StopToken& stop_;
  ResultLines lines_;
  std::map<Key, Json> done_;
  std::map<Key, double> shares_;
  double total_ = 0;
  std::mutex mutex_;
};

}  // namespace

AuditMeasures run_audit(const AuditSettings& settings, const ImageSet& images,
                        const std::vector<uint32_t>& indices, const AuditTrainers& trainers,
                        const AuditOptions& options, Progress& progress, const StopToken& stop) {
  if (settings.seeds.size() < 2) {
    throw UsageError(
        "setting \"seeds\": one seed gives no spread, so harm cannot be distinguished from chance; "
        "give at least two");
  }
  std::shared_ptr<RunDirectory> run = options.run;
  if (!run) {
    run = std::make_shared<RunDirectory>(options.directory, audit_run(),
                                         options.resume ? RunStart::kEither : RunStart::kNew);
  }
  Runner runner(settings, images, indices, trainers, options, progress, stop);
  run->confirm();
  return runner.run();
}

}  // namespace popaug
