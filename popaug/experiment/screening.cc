#include "popaug/experiment/screening.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "popaug/experiment/training_library.h"
#include "popaug/schedule/schedule.h"

namespace popaug {
namespace {

// Epochs below which a training from new weights says little about a long one.
constexpr int kShortTraining = 30;

// Who trains and who judges, fold by fold. Factories share it.
struct Folds {
  std::vector<std::vector<uint32_t>> train, judge;
};

bool given_validation(const ExperimentSettings& settings, const Inputs& inputs) {
  return !settings.images.split.empty() || inputs.validation_split != inputs.train_split;
}

Folds divide_folds(const ExperimentSettings& settings, const Inputs& inputs, int count) {
  Folds folds;
  if (given_validation(settings, inputs)) {
    folds.train.assign(count, inputs.train);
    folds.judge.assign(count, inputs.validation);
    return folds;
  }
  // The labelled images as a split of their own: only labels and groups matter.
  const std::vector<uint32_t> labelled = all_labelled(inputs);
  ImageSet part;
  part.name = inputs.train_split->name;
  for (const uint32_t i : labelled) {
    part.labels.push_back(inputs.train_split->labels[i]);
    if (!inputs.train_split->groups.empty()) {
      part.groups.push_back(inputs.train_split->groups[i]);
    }
  }
  for (std::vector<uint32_t> judge :
       stratified_folds(part, static_cast<size_t>(count), settings.seed)) {
    std::vector<bool> inside(labelled.size());
    for (uint32_t& i : judge) {
      inside[i] = true;
      i = labelled[i];
    }
    std::vector<uint32_t> train;
    for (size_t i = 0; i < labelled.size(); ++i) {
      if (!inside[i]) train.push_back(labelled[i]);
    }
    std::sort(judge.begin(), judge.end());
    folds.train.push_back(std::move(train));
    folds.judge.push_back(std::move(judge));
  }
  return folds;
}

TrainerCost measure_cost(const ExperimentSettings& settings, const Inputs& inputs,
                         const StopToken& stop) {
  SearchSettings search;
  search.population = std::max(2, worker_count(settings));
  search.epochs = 4;
  search.epochs_per_round = 1;
  search.space = space_for_grey(space_by_name("trivial"), nullptr);
  search.base = base_by_name("flipcrop");
  const TrainerFactory factory = training().make_trainer_factory(
      settings.train, search.space, search.rule, search.base, inputs.data.classes,
      {inputs.train_split, inputs.train}, {inputs.validation_split, inputs.validation}, "accuracy");
  return measure_trainer(search, factory, worker_count(settings), {}, stop);
}

// What a budget has to keep to. Epochs that only a preset says are the most that it may buy; a
// number of trainings that only a preset says is one for screenings without a budget.
ScreenLength length_of(const ExperimentSettings& settings) {
  ScreenLength length;
  if (settings.given.contains("trainings")) length.trainings = static_cast<int>(settings.trainings);
  const auto epochs = static_cast<int>(settings.epochs);
  if (settings.given.contains("epochs")) {
    length.epochs = epochs;
  } else if (epochs > 0) {
    length.most_epochs = epochs;
  }
  // A fine-tuning trains the whole network for half of its time at least.
  length.least_epochs = static_cast<int>(std::max<int64_t>(1, 2 * settings.train.head_epochs));
  length.most_epochs = std::max(length.most_epochs, length.least_epochs);
  return length;
}

// The stages of the screening on all workers, one after another, then one training on one.
double seconds_of(const ScreenSettings& screen, const ScreenPlan& plan, int64_t final_images,
                  const TrainerCost& cost, int workers) {
  // What a round takes beside its epochs is its evaluation, mostly.
  const auto judging = static_cast<double>(std::max<int64_t>(1, cost.images_per_evaluation));
  const double one = plan.epochs * cost.seconds_per_epoch +
                     cost.seconds_per_round * images_evaluated(screen, judging) / judging;
  double seconds = cost.start_seconds;
  const auto recipes = static_cast<int>(screen.recipes.size());
  for (const int stage : screen_stages(plan.trainings, recipes, screen.folds)) {
    seconds += std::ceil(static_cast<double>(stage) / workers) * one;
  }
  const double longer = static_cast<double>(final_images) / static_cast<double>(screen.fold_images);
  return seconds + plan.epochs * longer * cost.seconds_per_epoch;
}

}  // namespace

ScreenSettings screen_settings(const ExperimentSettings& settings, const Inputs& inputs) {
  ScreenSettings screen;
  if (!settings.plugin.empty()) load_plugin(settings.plugin);
  if (!settings.schedule.empty()) screen.context.schedule = find_schedule(settings.schedule);
  const bool square = inputs.train_split->width == inputs.train_split->height;
  screen.recipes = settings.screened_arms.empty()
                       ? grid_recipes(screen.context, square)
                       : named_recipes(screen.context, split(settings.screened_arms, ','));
  screen.folds = static_cast<int>(settings.folds);
  const size_t labelled = all_labelled(inputs).size();
  const size_t trained = given_validation(settings, inputs)
                             ? inputs.train.size()
                             : labelled - labelled / static_cast<size_t>(screen.folds);
  screen.fold_images = images_of_epoch(trained, settings);
  screen.seed = settings.seed;
  if (!settings.train.init.empty()) screen.usual = "flipcrop";
  screen.classes = static_cast<int>(inputs.data.classes.size());
  screen.data = inputs.fingerprint;
  screen.trainer = trainer_record(settings, inputs);
  return screen;
}

FoldTrainers fold_trainers(const ExperimentSettings& settings, const Inputs& inputs, int folds) {
  const auto divided = std::make_shared<Folds>(divide_folds(settings, inputs, folds));
  return [divided, &settings, &inputs](int fold) -> ArmTrainerFactory {
    const ScheduleTrainers trainers =
        schedule_trainers(settings, inputs.data.classes, {inputs.train_split, divided->train[fold]},
                          {inputs.validation_split, divided->judge[fold]});
    return [trainers](const Schedule& schedule, Judge) { return trainers(schedule); };
  };
}

int64_t images_in_time(double seconds, const ScreenSettings& screen, int64_t final_images,
                       const ExperimentSettings& settings, const Inputs& inputs,
                       const StopToken& stop) {
  const TrainerCost cost = measure_cost(settings, inputs, stop);
  const int workers = worker_count(settings);
  const ScreenLength length = length_of(settings);
  const auto takes = [&](int64_t images) {
    const ScreenPlan plan = plan_screen(screen, images, final_images, length);
    return seconds_of(screen, plan, final_images, cost, workers);
  };
  int64_t fits = least_budget(screen, final_images, length);
  if (takes(fits) > seconds) {
    throw UsageError(name_setting("budget") + ": the shortest screening takes about " +
                     duration_text(takes(fits)) + ", more than the " + duration_text(seconds) +
                     " given. Give more time, fewer epochs or images, or a smaller network");
  }
  int64_t over = fits;
  while (takes(over) <= seconds && over < int64_t{1} << 48) over *= 2;
  while (over - fits > std::max<int64_t>(1, fits / 1000)) {
    const int64_t middle = fits + (over - fits) / 2;
    (takes(middle) <= seconds ? fits : over) = middle;
  }
  return fits;
}

ScreeningCost measure_screening(const ScreenSettings& screen, int64_t final_images,
                                const ExperimentSettings& settings, const Inputs& inputs,
                                const StopToken& stop) {
  const TrainerCost cost = measure_cost(settings, inputs, stop);
  const ScreenPlan plan{screen.epochs, screen.trainings};
  return {seconds_of(screen, plan, final_images, cost, worker_count(settings)), cost.memory_bytes};
}

void plan_screening(ScreenSettings& screen, const ExperimentSettings& settings,
                    int64_t final_images, Progress& progress) {
  ScreenPlan plan{static_cast<int>(settings.epochs), static_cast<int>(settings.trainings)};
  if (settings.budget_images > 0) {
    plan = plan_screen(screen, settings.budget_images, final_images, length_of(settings));
  } else if (plan.trainings == 0) {
    plan.trainings = kUsualTrainings;
  }
  screen.epochs = plan.epochs;
  screen.trainings = plan.trainings;
  std::vector<std::string> stages;
  const auto recipes = static_cast<int>(screen.recipes.size());
  for (const int stage : screen_stages(plan.trainings, recipes, screen.folds)) {
    stages.push_back(std::to_string(stage));
  }
  progress.line("a screening of " + std::to_string(recipes) + " recipes in " +
                std::to_string(plan.trainings) + " trainings of " + std::to_string(plan.epochs) +
                " epochs: " + join(stages, ", ") + " of them outside each fold" +
                (final_images > 0 ? "; then one with the winner, on all labels" : ""));
  if (plan.epochs < kShortTraining && settings.train.init.empty()) {
    progress.line("note: trainings of " + std::to_string(plan.epochs) +
                  " epochs favour weak augmentation, whatever is best in longer ones; give a "
                  "longer " +
                  name_setting("budget") + ", a smaller " + name_setting("network") + " or more " +
                  name_setting("epochs"));
  }
}

}  // namespace popaug
