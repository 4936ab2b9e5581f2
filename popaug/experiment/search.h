// The recipe of a search: from settings to a schedule in a run directory.
#ifndef POPAUG_EXPERIMENT_SEARCH_H_
#define POPAUG_EXPERIMENT_SEARCH_H_

#include <functional>
#include <string>
#include <vector>

#include "popaug/experiment/images.h"
#include "popaug/experiment/run_folder.h"
#include "popaug/search/search.h"

namespace popaug {

// What is asked for; files in the settings may be named relative to the current folder.
struct SearchRequest : RunRequest {
  double budget_seconds = 0;  // fits the search to this time; 0: as the settings say
  int attempts = 3;           // that a member's round may take before the search stops
  double silence_seconds = 300;
  std::function<std::string(const std::vector<double>& scores)> picture;  // as in RunOptions
};

struct SearchedSchedule {
  ExperimentSettings settings;  // as searched: fitted to the budget, files by absolute paths
  SearchOutcome outcome;
};

// Searches to the end. Throws UsageError for what cannot be searched, before any image is read
// where that is known by then; Interrupted, resumable, once `stop` is requested.
SearchedSchedule search_schedule(const SearchRequest& request, Progress& progress,
                                 const StopToken& stop);

// Measures briefly and says what the search would cost. Writes nothing.
SearchPlan estimate_search(const SearchRequest& request, Progress& progress, const StopToken& stop);

// Everything that another program needs to carry the search out: checks all, writes split.json, but
// trains nothing and needs neither torch nor a device. The workers are the other program's own.
struct PreparedSearch {
  SearchSettings search;
  RunOptions run;  // with the run directory, which is locked as long as this has it
};
PreparedSearch prepare_search(const SearchRequest& request, Progress& progress);

// What mutation alone does, without training: the band over `lineages` schedules, also written to
// drift.band.json in the run directory.
struct MeasuredDrift {
  DriftBand band;
  int epochs = 0;
  fs::path file;
};
MeasuredDrift measure_drift(const SearchRequest& request, int lineages, Progress& progress);

// Space, rule and base transforms as the settings say. A grey set leaves out the ops that cannot
// change it; what was left out goes to `notes`.
struct SearchedAugmentation {
  Space space;
  Rule rule;
  BaseTransforms base;
  std::vector<std::string> left_out;
};
SearchedAugmentation searched_augmentation(const ExperimentSettings& settings, bool grey,
                                           std::vector<std::string>* notes);

// The settings of the room search, complete; `inputs` is nullptr for trainers without images.
SearchSettings search_settings(const ExperimentSettings& settings,
                               const SearchedAugmentation& augmentation, const Inputs* inputs);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_SEARCH_H_
