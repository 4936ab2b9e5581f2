// popaug worker: a worker process (docs/formats/worker.md), and the judge of other people's.
#include <fcntl.h>
#include <unistd.h>

#include <memory>

#include "cli/output.h"
#include "cli/verbs.h"
#include "popaug/experiment/experiment.h"
#include "popaug/search/search.h"

namespace popaug::cli {
namespace {

struct Flags {
  std::string check;
  std::string settings;
  double silence = 60;
  bool json = false;
};

// The protocol gets a descriptor of its own: whatever prints to standard output goes to the log.
int serve() {
  const int out = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  const bool writable = out >= 0 && (::fcntl(out, F_GETFL) & O_ACCMODE) != O_RDONLY;
  if (!writable) throw Error("worker: standard output is closed; the master speaks through it");
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  return serve_worker("popaug " POPAUG_VERSION, make_worker_trainer, STDIN_FILENO, out);
}

// What the worker under test is asked to train: toy settings, with the user's own for the trainer.
SearchSettings settings_for_check(const Flags& flags) {
  SearchSettings settings;
  settings.space = space_by_name("pba");
  settings.population = 4;
  settings.epochs = 6;
  settings.trainer = {{"kind", "toy"}};
  if (!flags.settings.empty()) settings.trainer = read_json(flags.settings);
  return settings;
}

int check(const Flags& flags) {
  TerminalProgress progress("checking");
  const std::vector<WorkerCheck> checks =
      check_worker(flags.check, settings_for_check(flags), flags.silence, progress);
  progress.finish();
  int failed = 0;
  Json list = Json::array();
  for (const WorkerCheck& check : checks) {
    failed += !check.passed;
    list.push_back({{"rule", check.rule}, {"passed", check.passed}, {"detail", check.detail}});
    if (flags.json) continue;
    print("{}  {}\n", check.passed ? "pass" : "FAIL", check.rule);
    if (!check.passed) print("      {}\n", printable_line(check.detail));
  }
  if (flags.json) {
    print_json({{"checks", list}, {"failed", failed}});
  } else {
    print("{} rules tried, {} failed\n", checks.size(), failed);
  }
  return static_cast<int>(failed == 0 ? ExitCode::kDone : ExitCode::kFailed);
}

}  // namespace

void add_worker(CLI::App& program, Action& action) {
  CLI::App* verb =
      program.add_subcommand("worker", "A worker process of a search; or a check of yours");
  auto flags = std::make_shared<Flags>();
  verb->add_option("--check", flags->check, "Try every rule of the protocol on this command")
      ->type_name("CMD");
  verb->add_option("--settings", flags->settings,
                   "With --check: a JSON file with the settings for your trainer")
      ->type_name("FILE");
  verb->add_option("--silence", flags->silence,
                   "With --check: seconds of silence that count as a hang")
      ->check(CLI::PositiveNumber);
  verb->add_flag("--json", flags->json, "With --check: print JSON");
  examples(*verb, {{"popaug search ... --worker-cmd 'popaug worker' --workers 4",
                    "runs a search with four processes; they are started by the search"},
                   {"popaug worker --check 'python3 my_worker.py'",
                    "tries every rule of the worker protocol on a program of yours"}});
  verb->callback([flags, &action] {
    action = [flags] { return flags->check.empty() ? serve() : check(*flags); };
  });
}

}  // namespace popaug::cli
