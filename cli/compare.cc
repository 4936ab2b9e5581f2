// popaug compare: arms x seeds on one data set, and whether the learned schedule was worth it.
#include <fmt/format.h>

#include <algorithm>

#include "cli/memory.h"
#include "cli/setup.h"
#include "cli/verbs.h"
#include "popaug/compare/compare.h"

namespace popaug::cli {
namespace {

struct Options {
  SettingsFlags flags{kCompareVerb};
  std::string out = "comparison", run, arms;
  int64_t seeds = 5;
  double clean_share = 0.15, margin = 0.5;
  bool charge_search = false, unequal = false, resume = false, json = false;
};

constexpr const char* kFreeArms = "flipcrop,randaugment,trivial";
constexpr const char* kLearnedArms = "flipcrop,randaugment,trivial,schedule,last,flattened,drift";

Settings read_settings(Options& options) {
  const fs::path config = fs::path(options.out) / "config.toml";
  if (options.resume && fs::exists(config)) options.flags.start_from(config);
  Settings settings = options.flags.resolve();
  if (!options.run.empty()) {
    if (!settings.schedule.empty() && !options.resume) {
      throw UsageError("--run and --schedule both name a schedule: give one of them");
    }
    settings.schedule = (fs::path(options.run) / "best.schedule.json").string();
  }
  if (settings.epochs == 0) {
    throw UsageError("how long each arm trains is missing: give --epochs or a --preset");
  }
  if (!settings.data.empty()) settings.data = fs::absolute(settings.data).lexically_normal();
  return settings;
}

// The schedule in question, and what its search cost by its own provenance.
ArmContext arm_context(const Options& options, const Settings& settings) {
  ArmContext context;
  context.clean_share = options.clean_share;
  if (settings.schedule.empty()) return context;
  context.schedule = find_schedule(settings.schedule);
  const Json& provenance = context.schedule->provenance;
  context.search_images = provenance.value("images_trained", int64_t{0}) +
                          provenance.value("images_evaluated", int64_t{0});
  return context;
}

// What can be said before an image is read: the arms, with the schedule they need.
CompareSettings chosen_arms(const Options& options, const Settings& settings) {
  CompareSettings compare;
  compare.context = arm_context(options, settings);
  const std::string names = !options.arms.empty()      ? options.arms
                            : compare.context.schedule ? kLearnedArms
                                                       : kFreeArms;
  for (const std::string& name : split(names, ',')) {
    compare.arms.push_back(make_arm(name, compare.context));
  }
  return compare;
}

CompareSettings compare_settings(CompareSettings compare, const Options& options,
                                 const Settings& settings, const Inputs& inputs,
                                 const std::vector<uint32_t>& trained) {
  for (int64_t s = 0; s < options.seeds; ++s) {
    compare.seeds.push_back(static_cast<uint64_t>(settings.seed + s));
  }
  compare.epochs = static_cast<int>(settings.epochs);
  compare.train_images = static_cast<int64_t>(trained.size());
  compare.race_train_images = images_of_epoch(inputs.train.size(), settings);
  compare.race_share = settings.share;
  compare.charge_search = options.charge_search;
  compare.unequal = options.unequal;
  compare.data = inputs.fingerprint;
  compare.trainer = trainer_json(settings);
  compare.trainer["train_images"] = trained.size();
  compare.trainer["split"] = settings.split.empty() ? "" : hash_hex(read_file(settings.split));
  check_comparison(compare);
  return compare;
}

// What a reader of the table must know: who saw which labels.
std::vector<std::string> fairness_notes(const CompareSettings& compare, const Settings& settings,
                                        const Inputs& inputs) {
  std::vector<std::string> notes;
  if (!compare.context.schedule) return notes;
  const Json& provenance = compare.context.schedule->provenance;
  const std::string data = provenance.value("data", std::string());
  if (!settings.all_labels && data == inputs.fingerprint) {
    notes.push_back(
        "the search behind the schedule also saw the labels of its validation images, on which no "
        "arm trains here; with --all-labels every arm trains on them");
  }
  if (data != inputs.fingerprint) {
    notes.push_back("the schedule was learned on other images than these");
  }
  const double crop = compare.context.schedule->base.resized_crop;
  if (crop > 0 && settings.resized_crop == 0) {
    notes.push_back(fmt::format(
        "the schedule has a random resized crop, the free arms pad and crop; --resized-crop {} "
        "gives it to every arm",
        number_text(crop)));
  }
  const std::string test = fingerprint(*inputs.test_split);
  for (const Json& searched : provenance.value("searched", Json::array())) {
    if (searched != test) continue;
    notes.push_back(
        "WARNING: the search behind the schedule saw the test images of this comparison, so its "
        "figures prove nothing");
  }
  return notes;
}

ArmTrainerFactory arm_trainers(const Settings& settings, const Inputs& inputs,
                               const std::vector<uint32_t>& trained) {
  const std::vector<std::string>& classes = inputs.data.classes;
  const ScheduleTrainers tested =
      schedule_trainers(settings, classes, {inputs.train_split, trained},
                        {inputs.test_split, all_of(*inputs.test_split)});
  const ScheduleTrainers validated =
      schedule_trainers(settings, classes, {inputs.train_split, inputs.train},
                        {inputs.validation_split, inputs.validation});
  return [tested, validated](const Schedule& schedule, Judge judge) {
    return judge == Judge::kTest ? tested(schedule) : validated(schedule);
  };
}

void write_comparison(const Comparison& comparison, const Options& options) {
  const std::string json = json_pretty(comparison_to_json(comparison));
  write_file_atomic(fs::path(options.out) / "compare.json", json);
  write_file_atomic(fs::path(options.out) / "compare.md", comparison_markdown(comparison));
  if (!options.run.empty()) write_file_atomic(fs::path(options.run) / "compare.json", json);
  if (options.json) {
    fmt::print("{}", json);
    return;
  }
  fmt::print("{}\nfigures  {}\ntable    {}\n", comparison_text(comparison),
             show_path(fs::path(options.out) / "compare.json"),
             show_path(fs::path(options.out) / "compare.md"));
  if (!options.run.empty()) {
    fmt::print("\nNext:\n  popaug report {}\n", show_path(options.run));
  }
}

int compare(Options& options) {
  const Settings settings = read_settings(options);
  if (!settings.plugin.empty()) load_plugin(settings.plugin);
  TerminalProgress progress("compare");
  SignalStop stop;
  const CompareSettings arms = chosen_arms(options, settings);
  Settings reading = settings;
  reading.all_labels = false;  // the validation images are kept apart for a tuning
  const Inputs inputs = read_inputs(reading, tunes(arms.arms), progress);
  if (inputs.test_split == nullptr) {
    throw UsageError(settings.data +
                     ": there is no test split; a comparison needs images that nothing was chosen "
                     "by: give a set with a test split");
  }
  const std::vector<uint32_t> trained = settings.all_labels ? all_labelled(inputs) : inputs.train;
  const CompareSettings compare = compare_settings(arms, options, settings, inputs, trained);
  std::vector<std::string> notes = inputs.notes;
  for (std::string& note : fairness_notes(compare, settings, inputs)) notes.push_back(note);
  for (const std::string& note : notes) progress.line("note: " + note);

  const size_t trainings = compare.arms.size() * compare.seeds.size();
  check_memory(settings, inputs, std::min(worker_count(settings), static_cast<int>(trainings)));
  const fs::path config = fs::path(options.out) / "config.toml";
  fs::create_directories(options.out);
  if (!fs::exists(config)) write_file_atomic(config, settings_toml(settings, kCompareVerb));
  const ComparisonRuns runs =
      run_comparison(compare, arm_trainers(settings, inputs, trained),
                     {options.out, options.resume, worker_count(settings)}, progress, stop.token());
  progress.finish();
  Comparison comparison = judge(runs.arms, compare.seeds, runs.results, options.margin);
  comparison.notes = notes;
  comparison.notes.push_back("every arm trained on the same " + std::to_string(trained.size()) +
                             " labelled images and was judged by " +
                             std::to_string(inputs.test_split->count()) + " test images");
  for (const std::string& note : runs.notes) comparison.notes.push_back(note);
  write_comparison(comparison, options);
  return 0;
}

}  // namespace

void add_compare(CLI::App& program, Action& action) {
  CLI::App* verb =
      program.add_subcommand("compare", "Arms x seeds: was the learned schedule worth it?");
  static Options options;
  verb->add_option("--out", options.out, "Folder of the comparison")->capture_default_str();
  verb->add_option("--arms", options.arms,
                   "Arms, separated by commas: " + join(arm_names(), ", ") +
                       ", randaugment-N-M, trivial-S; each also with +clean (a clean tail)");
  verb->add_option("--seeds", options.seeds, "How many seeds, from --seed on")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  verb->add_option("--run", options.run,
                   "A search's run directory: compares its schedule, and its report shows the "
                   "result");
  verb->add_flag("--charge-search", options.charge_search,
                 "Equal budgets with the images of the search included");
  verb->add_flag("--unequal", options.unequal, "Allow arms with different budgets");
  verb->add_option("--clean-share", options.clean_share, "Share of the epochs of a clean tail")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  verb->add_option("--margin", options.margin, "Points of accuracy that 'not worse' allows")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  verb->add_flag("--resume", options.resume, "Add to the comparison in --out");
  verb->add_flag("--json", options.json, "Print the result as JSON");
  options.flags.add_flags(*verb);
  examples(
      *verb,
      {{"popaug compare --data photos --preset small --run run --all-labels --seeds 5",
        "the schedule of a search against the free baselines and its controls"},
       {"popaug compare --data photos --preset small --arms flipcrop,trivial,trivial-0.5+clean",
        "free arms only"},
       {"popaug compare --data photos --preset small --arms flipcrop,trivial,choose --share 0.8",
        "with what a race of the free arms chooses, four times as long as a training"},
       {"popaug compare --data photos --preset small --run run --seeds 10 --resume",
        "five more seeds for the comparison in ./comparison"}});
  verb->callback([&action] { action = [] { return compare(options); }; });
}

}  // namespace popaug::cli
