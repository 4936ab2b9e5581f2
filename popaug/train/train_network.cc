// Training in a run directory.
#include <unistd.h>

#include <chrono>

#include "popaug/train/internal/batches.h"
#include "popaug/train/internal/loop_torch.h"
#include "popaug/train/train.h"
#include "popaug/train/training_directory.h"

namespace popaug {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One training: its inputs and its progress.
class Training {
 public:
  Training(const TrainSettings& settings, const Schedule& schedule,
           const std::vector<std::string>& classes, const Subset& train, uint64_t seed,
           const fs::path& directory, const TrainOptions& options)
      : settings_(settings),
        schedule_(schedule),
        train_(train),
        seed_(seed),
        options_(options),
        normalisation_(training_normalisation(settings, train)),
        network_(new_network(settings,
                             new_checkpoint_info(settings, classes, *train.split, normalisation_),
                             find_device(settings.device))),
        learning_(*network_),
        hash_(training_hash(settings, schedule, classes, train, options.validation, seed)),
        files_(directory, options.run),
        steps_(steps_per_epoch(train.indices.size(), settings.batch)) {}

  TrainReport run(Progress& progress, const StopToken& stop) {
    const auto start = Clock::now();
    begin();
    while (history_.epochs() < schedule_.epochs()) {
      try {
        epoch(progress, stop);
      } catch (const Interrupted&) {
        save_checkpoint();
        throw Interrupted("training stopped after " + std::to_string(learning_.info.steps) +
                          " steps; resume it with: " + options_.resume_command);
      }
    }
    finish();
    return report(seconds_since(start));
  }

 private:
  // Starts from drawn weights, or from the checkpoint in the directory.
  void begin() {
    const fs::path from = files_.open(options_.resume);
    start_network(learning_, settings_, seed_, 0);
    if (!from.empty()) {
      learning_.load(from, from == files_.checkpoint());
      history_ = TrainHistory::from_json(learning_.info.extra, show_path(from), hash_);
      place_ = place_in_epoch(show_path(from));
    }
    files_.log(from.empty() ? "start" : "resume",
               {{"pid", ::getpid()}, {"steps", learning_.info.steps}});
    saved_ = Clock::now();
  }

  // Where the next step is, by what the checkpoint says of itself.
  EpochPlace place_in_epoch(const std::string& origin) const {
    const int64_t step = learning_.info.steps - int64_t{history_.epochs()} * steps_;
    if (history_.epochs() > schedule_.epochs() || learning_.info.epoch != history_.epochs() ||
        step < 0 || step >= steps_ || (history_.epochs() == schedule_.epochs() && step > 0)) {
      throw Error(
          origin + ": the checkpoint contradicts itself: " + std::to_string(learning_.info.steps) +
          " steps and epoch " + std::to_string(learning_.info.epoch) + ", but a history of " +
          std::to_string(history_.epochs()) + " epochs of " + std::to_string(steps_) +
          " steps. Restore it from a copy, or train into another directory");
    }
    return {static_cast<int>(step), history_.partial_loss};
  }

  void epoch(Progress& progress, const StopToken& stop) {
    const auto start = Clock::now();
    const int number = learning_.info.epoch;
    const size_t segment = schedule_.segment_of(number);
    const BaseTransforms base = trained_base(schedule_.base_of(segment), settings_);
    const ImageSet& split = *train_.split;
    const Augmenter augmenter(schedule_.space_of(segment), schedule_.rule,
                              schedule_.segments[segment].policy, base, normalisation_, split.width,
                              split.height, split.channels);
    EpochWork work{&settings_, &split, &train_.indices, &augmenter, seed_, 0, schedule_.epochs()};
    work.mixes = base.mixes();
    work.ahead = !learning_.network->parameters().front().tensor.device().is_cpu();
    const auto tick = [&](double share) {
      progress.update(number + share, schedule_.epochs(), history_.note());
      if (share < 1 && seconds_since(saved_) > options_.checkpoint_seconds) save_checkpoint();
    };
    TrainingEpoch row;
    row.train_loss = train_epoch(learning_, buffers_, place_, work, tick, stop);
    row.lr = learning_rate(settings_.lr_rule, settings_.lr, settings_.warmup_steps,
                           {number, steps_ - 1, steps_, schedule_.epochs()});
    row.steps = learning_.info.steps;
    validate(row, stop);
    end_epoch(row, seconds_since(start));
  }

  void validate(TrainingEpoch& row, const StopToken& stop) {
    if (options_.validation.split == nullptr) return;
    // When its steps are done, an epoch is counted: a stop waits for the end of the evaluation.
    (void)stop;
    const StopToken never;
    const Averaged averaged(learning_.average.get());
    const Evaluation evaluation = evaluate(
        learning_, options_.validation, 0, conv_mode(settings_.conv), [](double) {}, never);
    row.validated = true;
    row.validation_loss = evaluation.loss;
    row.validation_accuracy = evaluation.accuracy();
  }

  void end_epoch(const TrainingEpoch& row, double seconds) {
    if (history_.add(row)) save_best();
    files_.write_progress(history_);
    files_.log("epoch", {{"epoch", history_.epochs()}, {"seconds", seconds}});
    if (seconds_since(saved_) > options_.checkpoint_seconds) save_checkpoint();
  }

  void save_checkpoint() {
    history_.partial_loss = place_.loss_sum;
    learning_.info.extra = history_.to_json(hash_);
    write_file_atomic(files_.checkpoint(), learning_.save(true));
    saved_ = Clock::now();
  }

  void save_best() {
    const Averaged averaged(learning_.average.get());
    save_weights(files_.best());
  }

  void save_weights(const fs::path& path) {
    history_.partial_loss = 0;
    learning_.info.extra = history_.to_json(hash_);
    write_file_atomic(path, learning_.save(false));
  }

  void finish() {
    if (options_.validation.split == nullptr) save_best();
    save_weights(files_.last());
    files_.close();
  }

  TrainReport report(double seconds) const {
    TrainReport report;
    for (const TrainingEpoch& row : history_.rows) {
      report.train_loss.push_back(row.train_loss);
      if (row.validated) report.validation_accuracy.push_back(row.validation_accuracy);
    }
    report.best_epoch = history_.best_epoch;
    report.steps = learning_.info.steps;
    report.images_trained = learning_.info.steps * settings_.batch;
    report.seconds = seconds;
    return report;
  }

  const TrainSettings& settings_;
  const Schedule& schedule_;
  const Subset& train_;
  const uint64_t seed_;
  const TrainOptions& options_;
  const Normalisation normalisation_;
  const std::unique_ptr<LearningNetwork> network_;
  LearningNetwork& learning_;
  const std::string hash_;  // of all that determines the result
  TrainingDirectory files_;
  const int steps_;
  BatchBuffers buffers_;
  EpochPlace place_;
  TrainHistory history_;
  Clock::time_point saved_;
};

}  // namespace

TrainReport train_network(const TrainSettings& settings, const Schedule& schedule,
                          const std::vector<std::string>& classes, const Subset& train,
                          uint64_t seed, const fs::path& directory, Progress& progress,
                          const StopToken& stop, const TrainOptions& options) {
  check_train_settings(settings);
  for (size_t i = 0; i < schedule.segments.size(); ++i) {
    check_mixing(schedule.base_of(i), train, classes);
  }
  use_one_thread();
  Training training(settings, schedule, classes, train, seed, directory, options);
  return training.run(progress, stop);
}

Evaluation evaluate_checkpoint(const fs::path& checkpoint, const Subset& subset, int batch,
                               const std::string& device, Progress& progress) {
  use_one_thread();
  const auto learning = load_network(checkpoint, find_device(device));
  const CheckpointInfo& info = learning->info;
  const ImageSet& split = *subset.split;
  if (split.width != info.width || split.height != info.height || split.channels != info.channels) {
    throw Error(show_path(checkpoint) + ": made for " + std::to_string(info.width) + "x" +
                std::to_string(info.height) + " images of " + std::to_string(info.channels) +
                " channels, but these are " + std::to_string(split.width) + "x" +
                std::to_string(split.height) + " of " + std::to_string(split.channels));
  }
  for (const uint32_t index : subset.indices) {
    if (split.labels[index] >= info.classes.size()) {
      throw Error(show_path(checkpoint) + ": knows " + std::to_string(info.classes.size()) +
                  " classes, but the data have more");
    }
  }
  const StopToken never;
  const auto tick = [&](double share) { progress.update(share, 1, "evaluating"); };
  return evaluate(*learning, subset, batch, ConvMode::kExact, tick, never);
}

}  // namespace popaug
