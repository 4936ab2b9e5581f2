// Starts a new run directory or resumes an existing one.
#ifndef POPAUG_EXPERIMENT_RUN_FOLDER_H_
#define POPAUG_EXPERIMENT_RUN_FOLDER_H_

#include <memory>
#include <string>

#include "popaug/experiment/settings.h"
#include "popaug/rundir/rundir.h"

namespace popaug {

// What every request to a recipe has.
struct RunRequest {
  ExperimentSettings settings;
  fs::path out;  // run directory
  bool resume = false;
  std::string resume_command;  // for the sentence that ends an interrupted run
  // `out` as open_run() opened it; nullptr: the recipe opens it. It is locked as long as a request
  // or a recipe has it.
  std::shared_ptr<RunDirectory> directory;
};

// Opens `request.out` for a run of the verb, and sets `request.directory` and `request.settings`.
// The directory is locked and checked before anything is read from it. On a resume the settings are
// those of its config.toml if `sources` have neither a preset nor a config file; the values of
// `sources` override them. Throws UsageError if `request.resume` does not fit what is there, Error
// if another process has the directory.
void open_run(RunRequest& request, Verbs verb, SettingSources sources);

// Returns the directory of a request to a recipe of the verb, and opens it if the caller did not.
std::shared_ptr<RunDirectory> run_directory(const RunRequest& request, Verbs verb);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_RUN_FOLDER_H_
