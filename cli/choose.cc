// popaug choose: a screening for the best recipe, then one training with it.
#include "cli/duration.h"
#include "cli/output.h"
#include "cli/settings_flags.h"
#include "cli/verbs.h"

namespace popaug::cli {
namespace {

struct Options {
  SettingsFlags flags{kChooseVerb};
  std::string out = "chosen", budget;
  bool resume = false, json = false;
};

ChooseRequest make_request(const Options& options) {
  if (!options.budget.empty() && options.flags.given("budget_images")) {
    throw UsageError("--budget and --budget-images both say how much: give one of them");
  }
  ChooseRequest request;
  request.out = options.out;
  request.resume = options.resume;
  options.flags.open_run(request);
  if (!options.budget.empty()) request.budget_seconds = parse_duration(options.budget, "--budget");
  request.resume_command = "popaug choose --out " + shell_path(options.out) + " --resume";
  return request;
}

void print_summary(const ChosenArm& chosen, const ChooseRequest& request) {
  const fs::path& out = request.out;
  print("{}\nscreening {}\nweights   {}\n", screen_text(chosen.screening),
        show_path(out / "choose.json"), show_path(out / "best.safetensors"));
  if (chosen.test_data.empty()) return;
  print("\nNext:\n  popaug eval {} --data {}\n", shell_path(request.out),
        shell_path(chosen.test_data));
}

int choose(const Options& options) {
  const ChooseRequest request = make_request(options);
  VerbProgress progress("choose");
  const SignalStop stop;
  const ChosenArm chosen = choose_arm(request, progress, stop.token());
  progress.finish();
  if (options.json) {
    print_json(screen_to_json(chosen.screening));
  } else {
    print_summary(chosen, request);
  }
  return 0;
}

}  // namespace

void add_choose(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand(
      "choose", "Find the best simple recipe by cross-validation, then train with it");
  static Options options;
  verb->add_option("--out", options.out, "Directory for the screening and the network")
      ->capture_default_str();
  verb->add_option("--budget", options.budget, "Time for all of it: 90s, 10m, 2h");
  verb->add_flag("--resume", options.resume, "Continue the screening or the training in --out");
  verb->add_flag("--json", options.json, "Print the screening as JSON");
  options.flags.add_flags(*verb);
  examples(*verb, {{"popaug choose --data photos --budget 30m --preset best --out chosen",
                    "screen strengths and symmetries, then train with the winner, in half an hour"},
                   {"popaug choose --data photos --budget 30m --schedule run/best.schedule.json",
                    "with a learned schedule among the recipes"},
                   {"popaug choose --data photos --epochs 100 --trainings 20 --out chosen",
                    "20 trainings of 100 epochs, then the final one"},
                   {"popaug choose --config chosen/config.toml --out again",
                    "the same screening and the same network, byte for byte"},
                   {"popaug choose --out chosen --resume", "continue after a kill or a Ctrl-C"},
                   {"popaug eval chosen --data photos", "the error on the test images"}});
  verb->callback([&action] { action = [] { return choose(options); }; });
}

}  // namespace popaug::cli
