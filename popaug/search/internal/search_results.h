// What a finished search leaves beside its journal. Private to the room.
#ifndef POPAUG_SEARCH_INTERNAL_SEARCH_RESULTS_H_
#define POPAUG_SEARCH_INTERNAL_SEARCH_RESULTS_H_

#include <string>

#include "popaug/rundir/rundir.h"
#include "popaug/search/internal/search_record.h"
#include "popaug/search/run.h"

namespace popaug {

// Who executed the work, for result.json. A caller that uses ask and tell names no workers:
// then those that told a result count, and the kind is "caller".
struct Workers {
  int count = 0;
  std::string kind;  // "thread", "process", "ray"
};

// Writes best.safetensors, best.schedule.json, pbt_policy_N.txt, progress.csv and, last of all,
// result.json, which it returns. Repeatable: a kill inside loses nothing.
Json write_search_results(SearchRecord& record, const CheckpointStore& checkpoints,
                          const RunOptions& options, const Workers& workers);

// Whether best.safetensors has the bytes of the winner's checkpoint already.
bool has_best_weights(const SearchRecord& record, const CheckpointStore& checkpoints,
                      const fs::path& directory);

}  // namespace popaug

#endif  // POPAUG_SEARCH_INTERNAL_SEARCH_RESULTS_H_
