// A search in a run directory (docs/formats/run.md): resumable at any instant.
#ifndef POPAUG_SEARCH_RUN_H_
#define POPAUG_SEARCH_RUN_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "popaug/rundir/rundir.h"
#include "popaug/schedule/schedule.h"
#include "popaug/search/journal.h"
#include "popaug/search/population.h"

namespace popaug {

// How a search is carried out: nothing here changes journal, schedule or weights.
struct RunOptions {
  fs::path directory;
  bool resume = false;                     // continue the run in the directory, if there is one
  std::shared_ptr<RunDirectory> run = {};  // already opened by the caller; else opened here
  std::string config_toml;                 // text of config.toml, written when the run starts
  std::string resume_command;              // for the sentence that ends an interrupted run
  int workers = 0;                         // 0: one per core, at most one per member
  std::string worker_command;             // started `workers` times; empty: threads in this process
  Json worker_settings = Json::object();  // "run" in the settings of every run message
  double silence_seconds = 300;           // of a process worker before it counts as hung
  int attempts = 3;                       // that a member's round may take before the search stops
  // Members' scores in their order (not finite: unknown) as a few marks for the progress note.
  std::function<std::string(const std::vector<double>& scores)> picture;
  bool checkpoints = true;        // false: the trainer keeps no weights (toy, simulations)
  Json machine = Json::object();  // into result.json as it is: device, host, versions
};

// A round that a worker has finished. `work` is what SearchRun::take() gave.
struct FinishedRound {
  RoundWork work;
  RoundResult result;
  std::string worker;  // for run.log
};

// The run directory and the state machine together, for whoever executes the work: the pools of
// threads and processes, a Python loop, a Ray driver. Holds the directory's lock. Not thread safe.
class SearchRun {
 public:
  // Opens a new directory (refused if it contains a run) or resumes (refused if its settings
  // differ, naming the difference; if journal or checkpoints are damaged).
  SearchRun(const SearchSettings& settings, const RunOptions& options);
  ~SearchRun();

  // The next work, with `from` and `to` filled in; nothing when all that is due is out or waits
  // for results of others. `to` lies in the run directory and carries the attempt.
  std::optional<RoundWork> take();
  // Why this result cannot be taken over (checkpoint missing or empty, a metric that is not finite,
  // ...): the work is then to be given back. Nothing if it is good. A score that is not finite is
  // good: the member's training diverged, which counts as the worst score of its round.
  std::optional<std::string> fault(const FinishedRound& finished) const;
  // Takes over good results: renames the checkpoints to their final names, appends to the journal
  // what has its turn (one sync for all), stores what arrived early, decides, and deletes what no
  // resume needs. After an Error (a full disk) the run can only be opened again.
  void tell(std::span<const FinishedRound> results);
  // The work failed and will be given out again; its attempt's file is removed. Throws
  // Error past the limit of attempts, with what went wrong last.
  void give_back(const RoundWork& work, const std::string& reason, const std::string& worker);

  bool finished() const;
  const Population& population() const;
  // Results so far and in all (an estimate for an asynchronous search).
  int64_t done() const;
  int64_t total() const;
  // "best 71.3 %, member 4, policies differ by 1.3": for progress.
  std::string note() const;
  // Copies of the latest decision as sentences, once.
  std::vector<std::string> news();
  // One line of run.log: an event with its fields and the time.
  void log(const std::string& event, const Json& fields);

  // After the last decision: best.safetensors, best.schedule.json, pbt_policy_N.txt, progress.csv,
  // result.json; then the members' checkpoints go. Repeatable: a kill inside loses nothing.
  Json write_results();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace popaug

#endif  // POPAUG_SEARCH_RUN_H_
