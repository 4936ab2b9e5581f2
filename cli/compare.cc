// popaug compare: arms x seeds on one data set, and whether the learned schedule was worth it.
#include "cli/help.h"
#include "cli/output.h"
#include "cli/settings_flags.h"
#include "cli/verbs.h"

namespace popaug::cli {
namespace {

struct Options {
  SettingsFlags flags{kCompareVerb};
  std::string out = "comparison", run, arms;
  ComparisonRequest request;
  bool json = false;
};

void print_summary(const ComparedArms& compared, const fs::path& out) {
  print("{}\nfigures  {}\ntable    {}\n", name_flags(comparison_text(compared.comparison)),
        show_path(out / "compare.json"), show_path(out / "compare.md"));
  if (!compared.run.empty()) print("\nNext:\n  popaug report {}\n", shell_path(compared.run));
}

int compare(const Options& options) {
  ComparisonRequest request = options.request;
  request.out = options.out;
  request.resume_command = "popaug compare --out " + shell_path(options.out) + " --resume";
  options.flags.open_run(request);
  request.run = options.run;
  if (!options.arms.empty()) request.arms = split(options.arms, ',');
  VerbProgress progress("compare");
  const SignalStop stop;
  const ComparedArms compared = compare_arms(request, progress, stop.token());
  progress.finish();
  if (options.json) {
    print_json(comparison_to_json(compared.comparison));
  } else {
    print_summary(compared, request.out);
  }
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
                       ", randaugment-N-M, trivial-S; each also with +cutmix, +mixup, +clean (a "
                       "clean tail); free: all that cost no search");
  verb->add_option("--seeds", options.request.seeds, "How many seeds, from --seed on (default 5)")
      ->check(CLI::Range(1, 10000));
  verb->add_option("--run", options.run,
                   "A search's run directory: compares its schedule, and its report shows the "
                   "result");
  verb->add_flag("--charge-search", options.request.charge_search,
                 "Equal budgets with the images of the search included")
      ->group(rare_group("arms"));
  verb->add_flag("--unequal", options.request.unequal, "Allow arms with different budgets")
      ->group(rare_group("arms"));
  verb->add_option("--clean-share", options.request.clean_share,
                   "Share of the epochs of a clean tail (default 0.15)")
      ->group(rare_group("arms"))
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--margin", options.request.margin,
                   "Points of accuracy that 'not worse' allows (default 0.5)")
      ->group(rare_group("arms"))
      ->check(CLI::Range(0.0, 100.0));
  verb->add_flag("--resume", options.request.resume,
                 "Continue the comparison in --out; its own arms and seeds, or those given");
  verb->add_flag("--json", options.json, "Print the result as JSON");
  options.flags.add_flags(*verb);
  examples(*verb,
           {{"popaug compare --data photos --preset best --run run --all-labels --seeds 5",
             "the schedule of a search against the free baselines and its controls"},
            {"popaug compare --data photos --preset best --arms flipcrop,trivial,trivial-0.5+clean",
             "free arms only"},
            {"popaug compare --data photos --preset best --arms free --seeds 3",
             "what augmentation without a search can do, CutMix and mixup included"},
            {"popaug compare --data photos --preset best --run run --seeds 10 --resume",
             "five more seeds for the comparison in ./comparison"}});
  verb->callback([&action] { action = [] { return compare(options); }; });
}

}  // namespace popaug::cli
