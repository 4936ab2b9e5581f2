// Who executes the work of a run: threads or processes. Private to the room.
#ifndef POPAUG_SEARCH_INTERNAL_POOL_H_
#define POPAUG_SEARCH_INTERNAL_POOL_H_

#include "popaug/search/run.h"

namespace popaug {

// Both return when the run is finished or `stop` is requested, with no work out; they throw the
// first Error that ends the search.
void run_threads(SearchRun& run, const TrainerFactory& factory, int workers, Progress& progress,
                 const StopToken& stop);
void run_processes(SearchRun& run, const SearchSettings& settings, const RunOptions& options,
                   int workers, Progress& progress, const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_SEARCH_INTERNAL_POOL_H_
