// What a search says before it starts and after it ends.
#ifndef POPAUG_CLI_SEARCH_SUMMARY_H_
#define POPAUG_CLI_SEARCH_SUMMARY_H_

#include "popaug/experiment/experiment.h"
#include "popaug/search/search.h"

namespace popaug::cli {

void print_plan(const SearchPlan& plan, bool json);
void print_search_summary(const ExperimentSettings& settings, const SearchOutcome& outcome,
                          const fs::path& out);
void print_screened(const ScreenedSchedule& found, const fs::path& out);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_SEARCH_SUMMARY_H_
