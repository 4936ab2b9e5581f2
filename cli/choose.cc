// popaug choose: a race for the best arm within a budget, then one training with it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/memory.h"
#include "cli/run_folder.h"
#include "cli/setup.h"
#include "cli/training.h"
#include "cli/verbs.h"
#include "popaug/compare/compare.h"

namespace popaug::cli {
namespace {

struct Options {
  SettingsFlags flags{kChooseVerb};
  std::string out = "chosen", budget;
  bool resume = false, json = false;
};

Settings read_settings(Options& options) {
  start_or_resume(options.flags, options.out, options.resume, {"race"});
  std::map<std::string, std::string> origins;
  Settings settings = options.flags.resolve(&origins);
  forget_preset_length(settings, origins);  // the budget says how long
  if (options.resume && !options.budget.empty()) {
    throw UsageError("--budget: a race that is resumed keeps the budget of its config.toml");
  }
  if (settings.budget_images == 0 && options.budget.empty()) {
    throw UsageError("--budget is missing: say how long all may take, such as --budget 30m");
  }
  if (!options.budget.empty() && origins.contains("choose.budget_images") &&
      origins["choose.budget_images"] == "--budget-images") {
    throw UsageError("--budget and --budget-images both say how much: give one of them");
  }
  if (!settings.data.empty()) settings.data = fs::absolute(settings.data).lexically_normal();
  return settings;
}

RaceSettings race_settings(const Settings& settings, const Inputs& inputs) {
  RaceSettings race;
  if (!settings.schedule.empty()) race.context.schedule = find_schedule(settings.schedule);
  race.arms = racing_arms(race.context);
  race.train_images = images_of_epoch(inputs.train.size(), settings);
  race.final_images = images_of_epoch(all_labelled(inputs).size(), settings);
  race.budget_images = settings.budget_images;
  race.share = settings.share;
  race.epochs = static_cast<int>(settings.epochs);
  race.seed = static_cast<uint64_t>(settings.seed);
  race.data = inputs.fingerprint;
  race.trainer = trainer_record(settings, inputs);
  return race;
}

ArmTrainerFactory arm_trainers(const Settings& settings, const Inputs& inputs) {
  const ScheduleTrainers trainers =
      schedule_trainers(settings, inputs.data.classes, {inputs.train_split, inputs.train},
                        {inputs.validation_split, inputs.validation});
  return [trainers](const Schedule& schedule, Judge) { return trainers(schedule); };
}

TrainerCost measure(const Settings& settings, const Inputs& inputs, const StopToken& stop) {
  SearchSettings search;
  search.population = std::max(2, worker_count(settings));
  search.epochs = 4;
  search.epochs_per_round = 1;
  search.space = space_for_grey(space_by_name("trivial"), nullptr);
  search.base = base_by_name("flipcrop");
  const TrainerFactory factory = training().make_trainer_factory(
      train_settings(settings), search.space, search.rule, search.base, inputs.data.classes,
      {inputs.train_split, inputs.train}, {inputs.validation_split, inputs.validation}, "accuracy");
  return measure_trainer(search, factory, worker_count(settings), {}, stop);
}

// Race on all workers, then one training on one.
double seconds_of(const RaceSettings& race, const TrainerCost& cost, int workers) {
  const RacePlan plan = plan_race(race);
  const double trainings = std::floor(static_cast<double>(plan.race_images) /
                                      static_cast<double>(plan.race_epochs * race.train_images));
  const double one = plan.race_epochs * cost.seconds_per_epoch + cost.seconds_per_round;
  const double longer =
      static_cast<double>(race.final_images) / static_cast<double>(race.train_images);
  return cost.start_seconds + std::ceil(trainings / workers) * one +
         plan.final_epochs * longer * cost.seconds_per_epoch;
}

// The most images whose race and final training fit the time.
int64_t images_in(double seconds, RaceSettings race, const TrainerCost& cost, int workers) {
  const auto takes = [&](int64_t images) {
    race.budget_images = images;
    return seconds_of(race, cost, workers);
  };
  int64_t fits = least_budget(race);
  if (takes(fits) > seconds) {
    throw UsageError("--budget: the shortest race of " + std::to_string(race.arms.size()) +
                     " arms and its final training take about " + duration_text(takes(fits)) +
                     ", more than the " + duration_text(seconds) +
                     " given. Give more time, fewer training images or a smaller network");
  }
  int64_t over = fits;
  while (takes(over) <= seconds && over < int64_t{1} << 48) over *= 2;
  while (over - fits > std::max<int64_t>(1, fits / 1000)) {
    const int64_t middle = fits + (over - fits) / 2;
    (takes(middle) <= seconds ? fits : over) = middle;
  }
  return fits;
}

void say_plan(const RaceSettings& race, Progress& progress) {
  const RacePlan plan = plan_race(race);
  progress.line(fmt::format(
      "{} images in all: a race of {} arms, up to {} rounds of {} epochs, {} images at most; then "
      "{} epochs with the winner",
      race.budget_images, race.arms.size(), plan.rounds, plan.race_epochs, plan.race_images,
      plan.final_epochs));
  if (race.epochs > plan.final_epochs) {
    progress.line(fmt::format("note: the budget allows {} of the {} epochs asked for",
                              plan.final_epochs, race.epochs));
  }
}

Schedule train_winner(const RaceSettings& race, const RaceOutcome& outcome,
                      const Settings& settings, const Inputs& inputs, const Options& options,
                      Progress& progress, const StopToken& stop) {
  Schedule schedule = arm_schedule(make_arm(outcome.winner, race.context), race.context,
                                   outcome.plan.final_epochs, race.seed);
  const fs::path out = options.out;
  save_schedule(schedule, out / "used.schedule.json");
  TrainOptions train_options;
  train_options.resume = fs::exists(out / "progress.csv");
  train_options.resume_command = "popaug choose --out " + show_path(out) + " --resume";
  training().train_network(train_settings(settings), schedule, inputs.data.classes,
                           {inputs.train_split, all_labelled(inputs)}, race.seed, out, progress,
                           stop, train_options);
  return schedule;
}

int choose(Options& options) {
  Settings settings = read_settings(options);
  TerminalProgress progress("choose");
  SignalStop stop;
  const Inputs inputs = read_inputs(settings, true, progress);
  for (const std::string& note : inputs.notes) progress.line("note: " + note);
  check_memory(settings, inputs, worker_count(settings));
  RaceSettings race = race_settings(settings, inputs);
  const ArmTrainerFactory factory = arm_trainers(settings, inputs);
  if (!options.budget.empty()) {
    const double seconds = parse_duration(options.budget, "--budget");
    const TrainerCost cost = measure(settings, inputs, stop.token());
    race.budget_images = images_in(seconds, race, cost, worker_count(settings));
    settings.budget_images = race.budget_images;
  }
  say_plan(race, progress);

  const fs::path out = options.out;
  fs::create_directories(out);
  if (!options.resume) {
    write_file_atomic(out / "config.toml", settings_toml(settings, kChooseVerb));
    write_division(out / "split.json", inputs.division, inputs.data);
  }
  RaceOutcome outcome;
  try {
    const DirectoryLock lock(out);
    outcome = run_race(race, factory, {out, worker_count(settings)}, progress, stop.token());
  } catch (const Interrupted&) {
    throw Interrupted("the race was stopped; continue with: popaug choose --out " + show_path(out) +
                      " --resume");
  }
  const Json json = race_to_json(outcome);
  write_file_atomic(out / "choose.json", json_pretty(json));
  progress.line("chosen: " + outcome.winner + ": " + outcome.why);
  train_winner(race, outcome, settings, inputs, options, progress, stop.token());
  progress.finish();
  if (options.json) {
    fmt::print("{}", json_pretty(json));
    return 0;
  }
  fmt::print("{}\nrace     {}\nweights  {}\n", race_text(outcome), show_path(out / "choose.json"),
             show_path(out / "best.safetensors"));
  if (inputs.test_split != nullptr) {
    fmt::print("\nNext:\n  popaug eval {} --data {}\n", show_path(out), show_path(settings.data));
  }
  return 0;
}

}  // namespace

void add_choose(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand(
      "choose", "Race the free arms within a budget, then train with the winner");
  static Options options;
  verb->add_option("--out", options.out, "Directory for the race and the network")
      ->capture_default_str();
  verb->add_option("--budget", options.budget, "Time for all of it: 90s, 10m, 2h");
  verb->add_flag("--resume", options.resume, "Continue the race or the training in --out");
  verb->add_flag("--json", options.json, "Print the race as JSON");
  options.flags.add_flags(*verb);
  examples(*verb, {{"popaug choose --data photos --budget 30m --preset small --out chosen",
                    "race the free arms for half of the time, train with the winner for the rest"},
                   {"popaug choose --data photos --budget 30m --schedule run/best.schedule.json",
                    "with a learned schedule in the race"},
                   {"popaug choose --data photos --budget 2h --share 0.3 --epochs 100 --out chosen",
                    "at most 30 % for the race, 100 epochs at the end"},
                   {"popaug choose --config chosen/config.toml --out again",
                    "the same race and the same network, byte for byte"},
                   {"popaug choose --out chosen --resume", "continue after a kill or a Ctrl-C"},
                   {"popaug eval chosen --data photos", "the error on the test images"}});
  verb->callback([&action] { action = [] { return choose(options); }; });
}

}  // namespace popaug::cli
