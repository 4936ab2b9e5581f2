#include "popaug/search/run_search.h"

#include <algorithm>

#include "popaug/search/internal/pool.h"

namespace popaug {

SearchOutcome run_search(const SearchSettings& settings, const TrainerFactory& factory,
                         const RunOptions& given, Progress& progress, const StopToken& stop) {
  RunOptions options = given;
  if (options.workers < 0) throw UsageError("search: setting \"workers\" must be at least 1");
  if (options.workers == 0) options.workers = available_cores();
  options.workers = std::min(options.workers, settings.population);
  SearchRun run(settings, options);
  run.log("workers", {{"workers", options.workers},
                      {"worker_kind", options.worker_command.empty() ? "thread" : "process"}});
  if (!run.finished()) {
    if (options.worker_command.empty()) {
      run_threads(run, factory, options.workers, progress, stop);
    } else {
      run_processes(run, settings, options, options.workers, progress, stop);
    }
  }
  if (!run.finished()) {
    run.log("stop", {{"done", run.done()}});
    throw Interrupted(
        "the search was stopped after " + std::to_string(run.done()) + " of " +
        std::to_string(run.total()) + " rounds of members; nothing is lost. " +
        "Continue it with: " +
        (options.resume_command.empty() ? "setting \"resume\"" : options.resume_command));
  }
  SearchOutcome outcome;
  outcome.result = run.write_results();
  outcome.winner = run.population().winner();
  outcome.score = run.population().score(outcome.winner).value();
  outcome.schedule = load_schedule(options.directory / "best.schedule.json");
  return outcome;
}

}  // namespace popaug
