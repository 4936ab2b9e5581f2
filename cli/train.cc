// popaug train: trains a network with a schedule or a baseline.
#include "cli/output.h"
#include "cli/settings_flags.h"
#include "cli/verbs.h"

namespace popaug::cli {
namespace {

struct Options {
  SettingsFlags flags{kTrainVerb};
  std::string out = "train-run";
  bool resume = false, json = false;
};

void print_summary(const TrainingRequest& request, const TrainedNetwork& trained) {
  const TrainReport& report = trained.report;
  print("trained {} over {} epochs with {}: {} images in {}, last training loss {:.4f}\n",
        trained.result.at("network").get<std::string>(), trained.schedule.epochs(),
        trained.schedule.name, report.images_trained, duration_text(report.seconds),
        report.train_loss.back());
  print("weights  {}\n", show_path(request.out / "best.safetensors"));
  if (trained.test_data.empty()) return;
  print("\nNext:\n  popaug eval {} --data {}\n", shell_path(request.out),
        shell_path(trained.test_data));
}

int train(const Options& options) {
  TrainingRequest request;
  request.out = options.out;
  request.resume = options.resume;
  options.flags.open_run(request);
  request.resume_command = "popaug train --out " + shell_path(options.out) + " --resume";
  VerbProgress progress("train");
  const SignalStop stop;
  const TrainedNetwork trained = train_with_schedule(request, progress, stop.token());
  progress.finish();
  if (options.json) {
    print_json(trained.result);
  } else {
    print_summary(request, trained);
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
            {"popaug train --data photos --preset finetune --init efficientnet-lite-0 --out tuned",
             "from pretrained weights (docs/fine-tuning.md)"},
            {"popaug train --data photos --preset photos --augment trivial --size 224 --out large",
             "photographs: random resized crops, fast decoding"},
            {"popaug train --data cifar --preset paper-cifar10-wrn-28-10 --out paper",
             "a row of the paper's tables, with its settings"},
            {"popaug train --out network --resume", "continue after a kill or a Ctrl-C"}});
  verb->get_option("--schedule")->excludes(verb->get_option("--augment"));
  verb->callback([&action] { action = [] { return train(options); }; });
}

}  // namespace popaug::cli
