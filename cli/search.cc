// popaug search: learns a schedule of augmentation on the user's own images.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "cli/memory.h"
#include "cli/run_folder.h"
#include "cli/search_summary.h"
#include "cli/setup.h"
#include "cli/training.h"
#include "cli/verbs.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

struct Options {
  SettingsFlags flags{kSearchVerb};
  std::string out = "search-run";
  bool resume = false, dry_run = false, prepare = false, json = false;
  std::string budget;
  int64_t lineages = 1000;
  int attempts = 3;
  double silence = 300;
};

// Whether the terminal shows bars; a file gets digits.
bool speaks_utf8() {
  if (::isatty(STDERR_FILENO) == 0) return false;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != 0) {
      const std::string_view locale = value;
      return locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
    }
  }
  return false;
}

// config.toml must mean the same files in any folder.
void name_files_from_anywhere(Settings& settings) {
  const auto absolute = [](std::string& path) { path = fs::absolute(path).lexically_normal(); };
  if (!settings.data.empty()) absolute(settings.data);
  if (!settings.plugin.empty()) absolute(settings.plugin);
  const bool own_space =
      settings.space.find('/') != std::string::npos || settings.space.ends_with(".toml");
  if (own_space) absolute(settings.space);
  if (fs::is_regular_file(settings.start)) absolute(settings.start);
}

// A resumed run takes its own config.toml; flags given beside it must say the same, which the run
// itself checks.
Settings read_settings(Options& options) {
  if (!options.budget.empty()) parse_duration(options.budget, "--budget");
  if (options.resume && !options.budget.empty()) {
    throw UsageError("--budget fits a search before it starts; a resumed run keeps its numbers");
  }
  start_or_resume(options.flags, options.out, options.resume, {.mark = "journal.jsonl"});
  Settings settings = options.flags.resolve();
  name_files_from_anywhere(settings);
  return settings;
}

RunOptions run_options(const Options& options, const Settings& settings, int workers) {
  RunOptions run;
  run.directory = options.out;
  run.resume = options.resume;
  run.config_toml = settings_toml(settings, kSearchVerb);
  run.resume_command = "popaug search --out " + show_path(options.out) + " --resume";
  run.workers = workers;
  run.worker_command = settings.worker_cmd;
  run.worker_settings["config"] = run.config_toml;
  run.machine["device"] = settings.device;
  run.picture = [plain = !speaks_utf8()](const std::vector<double>& scores) {
    return population_line(scores, plain);
  };
  run.attempts = options.attempts;
  run.silence_seconds = options.silence;
  return run;
}

// --prepare: what another program needs to carry the search out and to give its workers.
void print_prepared(const Options& options, const Settings& settings,
                    const SearchSettings& search) {
  const RunOptions run = run_options(options, settings, 0);  // the workers are its own
  fmt::print("{}", json_pretty({{"settings", settings_to_json(search)},
                                {"config", run.config_toml},
                                {"worker_settings", run.worker_settings},
                                {"worker_command", settings.worker_cmd}}));
}

// --trainer none: what mutation alone does, a thousand lineages in seconds.
int drift(const Options& options, const Settings& settings) {
  if (settings.selection != "none") {
    throw UsageError(
        "--trainer none trains nothing, so nothing can be selected: add --selection "
        "none for the drift of mutation alone");
  }
  std::vector<std::string> notes;
  const SearchSettings search =
      search_settings(settings, searched_augmentation(settings, false, &notes), nullptr);
  fs::create_directories(options.out);
  TerminalProgress progress("drift");
  const DriftBand band =
      drift_band(search, static_cast<int>(options.lineages), worker_count(settings), progress);
  progress.finish();
  const fs::path path = fs::path(options.out) / "drift.band.json";
  save_band(band, path);
  fmt::print("{} lineages of {} epochs under mutation alone: {}\n", options.lineages, search.epochs,
             show_path(path));
  return 0;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The trainer's cost by a short measurement; reading the images took `reading` seconds.
TrainerCost measured_cost(const Settings& settings, const SearchSettings& search,
                          const TrainerFactory& factory, int workers, double reading,
                          double master_bytes, const SignalStop& stop) {
  TrainerCost cost =
      measure_trainer(search, factory, workers, fs::temp_directory_path(), stop.token());
  cost.start_seconds += reading;
  return settings.worker_cmd.empty() ? cost : for_processes(cost, workers, master_bytes);
}

int search(Options& options) {
  Settings settings = read_settings(options);
  if (settings.trainer == "none") return drift(options, settings);
  check_search(settings);

  TerminalProgress progress("search");
  SignalStop stop;
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::string> notes;
  std::optional<Inputs> inputs;
  if (settings.trainer == "network") inputs = read_inputs(settings, true, progress);
  const SearchedAugmentation augmentation =
      searched_augmentation(settings, inputs && inputs->grey(), &notes);
  SearchSettings search = search_settings(settings, augmentation, inputs ? &*inputs : nullptr);

  const double master_bytes = resident_bytes();
  TrainerFactory factory;
  if (settings.trainer == "toy") {
    factory = make_toy_trainer_factory(search);
  } else if ((settings.worker_cmd.empty() && !options.prepare) || options.dry_run ||
             !options.budget.empty()) {
    factory = training().make_trainer_factory(
        train_settings(settings), search.space, search.rule, search.base, inputs->data.classes,
        {inputs->train_split, inputs->train}, {inputs->validation_split, inputs->validation},
        settings.metric);
  }
  if (inputs) {
    for (const std::string& note : inputs->notes) progress.line("note: " + note);
  }
  for (const std::string& note : notes) progress.line("note: " + note);
  if (settings.async) {
    progress.line("note: --async decides by what arrives first, so this search is not repeatable");
    if (options.dry_run || !options.budget.empty()) {
      progress.line(
          "note: the plan counts each round of each member once; an asynchronous target goes "
          "on from its donor's epoch, which may lie behind its own, so more may be trained than "
          "planned");
    }
  }

  // What another program carries out has neither workers nor devices here.
  const int wanted = options.prepare && !factory ? 0 : worker_count(settings);
  const int workers = std::min(wanted, search.population);
  if (inputs && factory) {
    check_memory(settings, *inputs, workers);
  }
  if (options.dry_run || !options.budget.empty()) {
    const TrainerCost cost =
        measured_cost(settings, search, factory, workers, seconds_since(begun), master_bytes, stop);
    if (!options.budget.empty()) {
      std::vector<std::string> said;
      search = fit_budget(search, cost, workers, parse_duration(options.budget, "--budget"), &said);
      settings.epochs = search.epochs;
      settings.rounds = 0;
      settings.population = search.population;
      for (const std::string& sentence : said) progress.line(sentence);
    }
    if (options.dry_run) {
      progress.finish();
      print_plan(plan_search(search, cost, workers), options.json);
      return 0;
    }
  }

  fs::create_directories(options.out);
  if (inputs && !options.resume) {
    write_division(fs::path(options.out) / "split.json", inputs->division, inputs->data);
  }
  if (options.prepare) {
    print_prepared(options, settings, search);
    return 0;
  }
  const SearchOutcome outcome =
      run_search(search, factory, run_options(options, settings, wanted), progress, stop.token());
  progress.finish();
  if (options.json) {
    fmt::print("{}", json_pretty(outcome.result));
  } else {
    print_search_summary(settings, outcome, options.out);
  }
  return 0;
}

}  // namespace

void add_search(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand("search", "Search for a schedule of augmentation (PBA)");
  static Options options;
  verb->add_option("--out", options.out, "Run directory")->capture_default_str();
  verb->add_flag("--resume", options.resume, "Continue the run in --out");
  verb->add_flag("--dry-run", options.dry_run, "Measure briefly, say time, memory and disk, stop");
  verb->add_flag("--prepare", options.prepare,
                 "Check all, write split.json, print the search as JSON, stop: for a cluster's "
                 "driver (docs/ray.md)");
  verb->add_option("--budget", options.budget, "Fit the search to a time: 90s, 30m, 2h");
  verb->add_option("--lineages", options.lineages, "Drift lineages of --trainer none")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  verb->add_option("--attempts", options.attempts, "Times that a member's round may be tried")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--worker-silence", options.silence,
                   "Seconds without a word after which a worker process counts as hung")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  verb->add_flag("--json", options.json, "Print the result as JSON");
  options.flags.add_flags(*verb);
  examples(*verb, {{"popaug search --data photos --preset best --out run",
                    "search on photos/train/CLASS/*.jpg; the schedule is run/best.schedule.json"},
                   {"popaug search --data photos --preset best --budget 30m --out run",
                    "the same, fitted to half an hour"},
                   {"popaug search --data photos --preset best --dry-run",
                    "what it would cost on this machine"},
                   {"popaug search --out run --resume", "continue after a kill or a Ctrl-C"},
                   {"popaug search --data cifar --preset paper-rcifar10 --epochs 30 --population 8",
                    "the paper's search, shortened"},
                   {"popaug search --trainer none --selection none --epochs 200 --out drift",
                    "the band that mutation alone produces: drift/drift.band.json"}});
  verb->callback([&action] { action = [] { return search(options); }; });
}

}  // namespace popaug::cli
