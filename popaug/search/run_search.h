// A search from its start, or from where it was stopped, to its end.
#ifndef POPAUG_SEARCH_RUN_SEARCH_H_
#define POPAUG_SEARCH_RUN_SEARCH_H_

#include "popaug/search/run.h"

namespace popaug {

struct SearchOutcome {
  int winner = 0;
  double score = 0;
  Schedule schedule;
  Json result;  // result.json
};

// Runs or resumes a search to its end: `factory` for threads (ignored when options.worker_command
// is set). Throws Interrupted with the resuming command when `stop` is requested.
SearchOutcome run_search(const SearchSettings& settings, const TrainerFactory& factory,
                         const RunOptions& options, Progress& progress, const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_SEARCH_RUN_SEARCH_H_
