// The data of a run that is resumed: they may have been moved since it began.
#ifndef POPAUG_EXPERIMENT_MOVED_DATA_H_
#define POPAUG_EXPERIMENT_MOVED_DATA_H_

#include <functional>
#include <string>

#include "popaug/experiment/settings.h"

namespace popaug {

// Makes the place of the data absolute. If a resumed run's data are no longer where its config.toml
// in `out` says, takes the folder or file of the same name beside the run, as when both were moved
// together; `command` is how the run is resumed. Throws UsageError that says how to name the new
// place.
void find_data(ExperimentSettings& settings, const fs::path& out, bool resume,
               const std::string& command);

// Runs `work`, which checks by their fingerprint that the data are those of the run. A resumed
// run's config.toml gets the place of the data first, so that the next resume finds them, and its
// old text back if `work` throws an Error other than Interrupted.
void with_data_place(const ExperimentSettings& settings, Verbs verb, const fs::path& out,
                     bool resume, const std::function<void()>& work);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_MOVED_DATA_H_
