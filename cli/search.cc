// popaug search: learns a schedule of augmentation on the user's own images.
#include <unistd.h>

#include <cstdlib>

#include "cli/duration.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/search_summary.h"
#include "cli/settings_flags.h"
#include "cli/verbs.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

constexpr int kLineages = 1000;

struct Options {
  SettingsFlags flags{kSearchVerb};
  std::string out = "search-run", budget;
  SearchRequest request;
  bool dry_run = false, json = false;
  int lineages = kLineages;
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

// Opens the run directory: from here on it is locked.
SearchRequest make_request(const Options& options) {
  SearchRequest request = options.request;
  if (!options.budget.empty()) request.budget_seconds = parse_duration(options.budget, "--budget");
  request.out = options.out;
  options.flags.open_run(request);
  request.resume_command = "popaug search --out " + shell_path(options.out) + " --resume";
  request.picture = [plain = !speaks_utf8()](const std::vector<double>& scores) {
    return population_line(scores, plain);
  };
  return request;
}

int drift(const SearchRequest& request, int lineages, VerbProgress& progress) {
  const MeasuredDrift drift = measure_drift(request, lineages, progress);
  progress.finish();
  print("{} lineages of {} epochs under mutation alone: {}\n", lineages, drift.epochs,
        show_path(drift.file));
  return 0;
}

int search(const Options& options) {
  const SearchRequest request = make_request(options);
  const bool trains = request.settings.trainer != "none";
  VerbProgress progress(trains ? "search" : "drift");
  if (!trains) return drift(request, options.lineages, progress);
  if (options.lineages != kLineages) {
    throw UsageError("--lineages belongs to --trainer none: leave it out, or give that too");
  }
  const SignalStop stop;
  const bool screens = request.settings.method == "screen";
  if (options.dry_run) {
    const SearchPlan plan =
        (screens ? estimate_screening : estimate_search)(request, progress, stop.token());
    progress.finish();
    print_plan(plan, options.json);
    return 0;
  }
  if (screens) {
    const ScreenedSchedule found = screen_schedule(request, progress, stop.token());
    progress.finish();
    if (options.json) {
      print_json(screen_to_json(found.screening));
    } else {
      print_screened(found, options.out);
    }
    return 0;
  }
  const SearchedSchedule searched = search_schedule(request, progress, stop.token());
  progress.finish();
  if (options.json) {
    print_json(searched.outcome.result);
  } else {
    print_search_summary(searched.settings, searched.outcome, options.out);
  }
  return 0;
}

}  // namespace

void add_search(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand("search", "Search for a schedule of augmentation");
  static Options options;
  verb->add_option("--out", options.out, "Run directory")->capture_default_str();
  verb->add_flag("--resume", options.request.resume, "Continue the run in --out");
  verb->add_flag("--dry-run", options.dry_run,
                 "Measure briefly, print the time, memory and disk needed, and stop");
  verb->add_option("--budget", options.budget, "Fit the search to a time: 90s, 30m, 2h");
  verb->add_option("--lineages", options.lineages, "Drift lineages of --trainer none")
      ->group(rare_group("search"))
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  verb->add_option("--attempts", options.request.attempts,
                   "Times that a member's round may be tried")
      ->group(rare_group("run"))
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--worker-silence", options.request.silence_seconds,
                   "Seconds of silence after which a worker process counts as hung")
      ->group(rare_group("run"))
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
                   {"popaug search --data photos --preset pba --out run",
                    "a population (PBA) instead of simple recipes that train to their end"},
                   {"popaug search --out run --resume", "continue after a kill or a Ctrl-C"},
                   {"popaug search --trainer none --selection none --epochs 200 --out drift",
                    "the band that mutation alone produces: drift/drift.band.json"}});
  verb->callback([&action] { action = [] { return search(options); }; });
}

}  // namespace popaug::cli
