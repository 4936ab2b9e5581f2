// popaug train: trains a network with a schedule or a baseline.
#include <fmt/format.h>

#include "cli/memory.h"
#include "cli/run_folder.h"
#include "cli/setup.h"
#include "cli/training.h"
#include "cli/verbs.h"
#include "popaug/schedule/schedule.h"

namespace popaug::cli {
namespace {

struct Options {
  SettingsFlags flags{kTrainVerb};
  std::string out = "train-run";
  bool resume = false, json = false;
};

Settings read_settings(Options& options) {
  start_or_resume(options.flags, options.out, options.resume, {"training", "training"});
  Settings settings = options.flags.resolve();
  if (!settings.data.empty()) settings.data = fs::absolute(settings.data).lexically_normal();
  return settings;
}

// --augment or --schedule as a schedule of exactly the training's length. Without either: flip and
// crop.
Schedule training_schedule(const Settings& settings) {
  if (!settings.plugin.empty()) load_plugin(settings.plugin);
  // A preset names a schedule; a flag for the other word replaces it, so --augment wins.
  const bool baseline = !settings.augment.empty() || settings.schedule.empty();
  const std::string name = settings.augment.empty() ? "flipcrop" : settings.augment;
  const Schedule schedule = baseline ? baseline_schedule(name) : find_schedule(settings.schedule);
  const int epochs = settings.epochs > 0 ? static_cast<int>(settings.epochs) : schedule.epochs();
  if (baseline && settings.epochs == 0) {
    throw UsageError("how long to train is missing: give --epochs (a baseline has no length)");
  }
  return stretch(schedule, epochs);
}

Json result_json(const Settings& settings, const Schedule& schedule, const Inputs& inputs,
                 const TrainReport& report) {
  return {{"format", "popaug-result"},
          {"version", 1},
          {"kind", "train"},
          {"network", settings.network},
          {"schedule", schedule.name},
          {"epochs", schedule.epochs()},
          {"images_trained", report.images_trained},
          {"steps", report.steps},
          {"train_images", inputs.train.size()},
          {"train_loss", report.train_loss.empty() ? Json() : Json(report.train_loss.back())},
          {"best_epoch", report.best_epoch},
          {"seconds", report.seconds},
          {"seed", settings.seed},
          {"data", inputs.fingerprint}};
}

int train(Options& options) {
  const Settings settings = read_settings(options);
  const Schedule schedule = training_schedule(settings);
  TerminalProgress progress("train");
  SignalStop stop;
  const Inputs inputs = read_inputs(settings, false, progress);
  for (const std::string& note : inputs.notes) progress.line("note: " + note);

  TrainOptions train_options;
  train_options.resume = options.resume;
  train_options.resume_command = "popaug train --out " + show_path(options.out) + " --resume";
  if (!inputs.validation.empty()) {
    train_options.validation = {inputs.validation_split, inputs.validation};
  }
  const TrainingApi& api = training();
  check_memory(settings, inputs, 1);
  fs::create_directories(options.out);
  if (!options.resume) {
    write_file_atomic(fs::path(options.out) / "config.toml", settings_toml(settings, kTrainVerb));
    save_schedule(schedule, fs::path(options.out) / "used.schedule.json");
  }
  const TrainReport report = api.train_network(
      train_settings(settings), schedule, inputs.data.classes, {inputs.train_split, inputs.train},
      static_cast<uint64_t>(settings.seed), options.out, progress, stop.token(), train_options);
  progress.finish();
  const Json result = result_json(settings, schedule, inputs, report);
  write_file_atomic(fs::path(options.out) / "result.json", json_pretty(result));
  if (options.json) {
    fmt::print("{}", json_pretty(result));
    return 0;
  }
  for (const std::string& note : report.notes) fmt::print("note: {}\n", note);
  fmt::print("trained {} over {} epochs with {}: {} images in {}, last training loss {:.4f}\n",
             settings.network, schedule.epochs(), schedule.name, report.images_trained,
             duration_text(report.seconds), report.train_loss.back());
  fmt::print("weights  {}\n", show_path(fs::path(options.out) / "best.safetensors"));
  if (inputs.test_split != nullptr) {
    fmt::print("\nNext:\n  popaug eval {} --data {}\n", show_path(options.out),
               show_path(settings.data));
  }
  return 0;
}

}  // namespace

void add_train(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand("train", "Train a network with a schedule or a baseline");
  static Options options;
  verb->add_option("--out", options.out, "Run directory")->capture_default_str();
  verb->add_flag("--resume", options.resume, "Continue the training in --out");
  verb->add_flag("--json", options.json, "Print the result as JSON");
  options.flags.add_flags(*verb);
  examples(*verb,
           {{"popaug train --data photos --schedule run/best.schedule.json --out network",
             "train with a learned schedule, over its own length"},
            {"popaug train --data photos --schedule rcifar10-paper --epochs 60 --out network",
             "with a published schedule, stretched to 60 epochs"},
            {"popaug train --data photos --augment trivial --epochs 60 --out baseline",
             "with a free baseline"},
            {"popaug train --data photos --preset photos --augment trivial --size 224 --out large",
             "photographs: random resized crops, fast decoding"},
            {"popaug train --data cifar --preset paper-cifar10-wrn-28-10 --out paper",
             "a row of the paper's tables, with its settings"},
            {"popaug train --out network --resume", "continue after a kill or a Ctrl-C"}});
  verb->callback([&action] { action = [] { return train(options); }; });
}

}  // namespace popaug::cli
