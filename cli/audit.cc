// popaug audit: which ops suit these images.
#include <fmt/format.h>

#include <algorithm>

#include "cli/memory.h"
#include "cli/run_folder.h"
#include "cli/setup.h"
#include "cli/training.h"
#include "cli/verbs.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

struct Options {
  SettingsFlags flags{kAuditVerb};
  std::string out = "audit-run";
  bool resume = false, json = false;
};

// Enough to tell ops apart in minutes; more images or longer trainings are a flag away.
constexpr size_t kMostTrain = 2000, kMostValidation = 1000;
constexpr int64_t kImagesPerTraining = 8000;

Settings read_settings(Options& options) {
  start_or_resume(options.flags, options.out, options.resume, {"audit"});
  std::map<std::string, std::string> origins;
  Settings settings = options.flags.resolve(&origins);
  const auto given = [&](const char* key) { return origins.contains(key); };
  forget_preset_length(settings, origins);
  if (!given("training.network") && settings.model.empty()) settings.network = "wrn-10-1";
  if (!given("training.batch")) settings.batch = 64;
  if (!settings.data.empty()) settings.data = fs::absolute(settings.data).lexically_normal();
  return settings;
}

// Large sets are cut to what minutes allow, unless the user says how much.
void settle_sizes(Settings& settings, Inputs& inputs) {
  if (settings.split.empty() && settings.train_size == 0 && inputs.train.size() > kMostTrain) {
    settings.train_size = static_cast<int64_t>(kMostTrain);
    if (settings.val_size == 0) {
      settings.val_size = static_cast<int64_t>(std::min(kMostValidation, inputs.validation.size()));
    }
    inputs.division = divide(inputs.data, kMostTrain, static_cast<size_t>(settings.val_size),
                             static_cast<uint64_t>(settings.seed));
    inputs.train = inputs.division.plan.train;
    inputs.validation = inputs.division.plan.validation;
    inputs.notes.push_back(fmt::format(
        "the audit trains on {} images and validates on {}; --train-size and --val-size say "
        "otherwise",
        inputs.train.size(), inputs.validation.size()));
  }
  if (settings.epochs == 0) {
    const auto images = static_cast<int64_t>(inputs.train.size());
    settings.epochs = std::clamp<int64_t>((kImagesPerTraining + images - 1) / images, 5, 40);
  }
}

AuditSettings audit_settings(const Settings& settings, const Inputs& inputs,
                             std::vector<std::string>* notes) {
  AuditSettings audit;
  audit.space = searched_augmentation(settings, inputs.grey(), notes).space;
  audit.cells = audit_cells(audit.space, static_cast<int>(settings.audit_levels));
  audit.classes = inputs.data.classes;
  for (int64_t i = 0; i < settings.audit_seeds; ++i) {
    audit.seeds.push_back(static_cast<uint64_t>(settings.seed + i));
  }
  audit.epochs = static_cast<int>(settings.epochs);
  audit.probability = settings.audit_probability;
  audit.scale_pixels = !settings.paper_pixels;
  audit.data = inputs.fingerprint;
  audit.trainer = trainer_record(settings, inputs);
  return audit;
}

AuditTrainers audit_trainers(const Settings& settings, const Inputs& inputs) {
  const TrainingApi& api = training();
  const Subset validation{inputs.validation_split, inputs.validation};
  AuditTrainers trainers;
  trainers.trainer = schedule_trainers(settings, inputs.data.classes,
                                       {inputs.train_split, inputs.train}, validation);
  trainers.predict = [&settings, &api, validation](const fs::path& checkpoint,
                                                   const Split* images) {
    const Subset subset = images == nullptr ? validation : Subset{images, all_of(*images)};
    return api.evaluate_checkpoint(checkpoint, subset, 0, settings.device, silent_progress())
        .predicted;
  };
  return trainers;
}

void write_results(const Audit& audit, const fs::path& out, Progress& progress) {
  write_file_atomic(out / "audit.json", json_pretty(audit_to_json(audit)));
  write_file_atomic(out / "audited.space.toml", audited_space_toml(audit));
  const std::string picture = audit_svg(audit);
  write_file_atomic(out / "audit.svg", picture);
  try {
    write_file_atomic(out / "audit.png", svg_to_png(picture, 2));
  } catch (const Error& error) {
    progress.line(std::string("note: no audit.png: ") + error.what());
  }
}

void print_summary(const Audit& audit, const Settings& settings, const fs::path& out) {
  fmt::print("{}\n", audit_text(audit));
  fmt::print("figures  {}\npicture  {}\nspace    {}\n", show_path(out / "audit.json"),
             show_path(out / "audit.svg"), show_path(out / "audited.space.toml"));
  if (!audit.space) {
    fmt::print("\nNo op of the space is left; a search has nothing to draw from.\n");
    return;
  }
  fmt::print("\nNext:\n  popaug search --data {} --space {}{} --preset small --out run\n",
             show_path(settings.data), show_path(out / "audited.space.toml"),
             audit.flip_hurts ? " --flip 0" : "");
}

int audit(Options& options) {
  Settings settings = read_settings(options);
  TerminalProgress progress("audit");
  SignalStop stop;
  Inputs inputs = read_inputs(settings, true, progress);
  settle_sizes(settings, inputs);
  const AuditSettings audited = audit_settings(settings, inputs, &inputs.notes);
  for (const std::string& note : inputs.notes) progress.line("note: " + note);
  const AuditTrainers trainers = audit_trainers(settings, inputs);
  progress.line(fmt::format(
      "{} cells (op, level) and none, {} seeds: {} trainings of {} epochs "
      "with {} images",
      audited.cells.size(), audited.seeds.size(), (audited.cells.size() + 1) * audited.seeds.size(),
      audited.epochs, inputs.train.size()));

  check_memory(settings, inputs, worker_count(settings));
  const fs::path out = options.out;
  fs::create_directories(out);
  if (!options.resume) {
    write_file_atomic(out / "config.toml", settings_toml(settings, kAuditVerb));
    write_division(out / "split.json", inputs.division, inputs.data);
  }
  AuditMeasures measures;
  try {
    measures = run_audit(audited, *inputs.validation_split, inputs.validation, trainers,
                         {out, options.resume, worker_count(settings)}, progress, stop.token());
  } catch (const Interrupted&) {
    throw Interrupted("the audit was stopped; continue with: popaug audit --out " + show_path(out) +
                      " --resume");
  }
  const Audit result = judge_audit(audited, measures);
  write_results(result, out, progress);
  progress.finish();
  if (options.json) {
    fmt::print("{}", json_pretty(audit_to_json(result)));
  } else {
    print_summary(result, settings, out);
  }
  return 0;
}

}  // namespace

void add_audit(CLI::App& program, Action& action) {
  CLI::App* verb =
      program.add_subcommand("audit", "Measure which ops of a space suit these images");
  static Options options;
  verb->add_option("--out", options.out, "Directory for the results")->capture_default_str();
  verb->add_flag("--resume", options.resume, "Continue the audit in --out");
  verb->add_flag("--json", options.json, "Print the result as JSON");
  options.flags.add_flags(*verb);
  examples(*verb,
           {{"popaug audit --data photos --out audit",
             "affinity, diversity and gain of every op; audit/audited.space.toml for a search"},
            {"popaug audit --data photos --size 32 --seeds 5 --levels 5 --out audit",
             "finer and surer, and as much longer"},
            {"popaug audit --data photos --network wrn-16-2 --epochs 20 --out audit",
             "with the network and length that matter to you"},
            {"popaug audit --out audit --resume", "continue after a kill or a Ctrl-C"},
            {"popaug search --data photos --space audit/audited.space.toml --preset small",
             "search without the ops that were shown to harm"}});
  verb->callback([&action] { action = [] { return audit(options); }; });
}

}  // namespace popaug::cli
