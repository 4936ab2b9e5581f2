// A finished or running search, read from its journal.
#ifndef POPAUG_SEARCH_HISTORY_H_
#define POPAUG_SEARCH_HISTORY_H_

#include <vector>

#include "popaug/search/journal_fold.h"

namespace popaug {

// A whole journal as values, and the state that follows from it: for reports, pages and tools.
// Decisions are checked against what the state machine decides from the same scores.
struct SearchHistory {
  SearchSettings settings;
  std::vector<JournalResult> results;  // in the order of the journal
  std::vector<Decision> decisions;
  Population population;
  bool torn = false;
};
// `run` is a run directory. Throws Error where there is no journal or no header in it.
SearchHistory load_history(const fs::path& run);

}  // namespace popaug

#endif  // POPAUG_SEARCH_HISTORY_H_
