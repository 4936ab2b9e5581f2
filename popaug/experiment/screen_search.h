// The recipe of `search` with method "screen": the schedule of the best simple recipe, found by a
// screening (popaug/compare/screen.h) instead of a population.
#ifndef POPAUG_EXPERIMENT_SCREEN_SEARCH_H_
#define POPAUG_EXPERIMENT_SCREEN_SEARCH_H_

#include "popaug/compare/compare.h"
#include "popaug/experiment/search.h"

namespace popaug {

// Trainings of such a search, unless setting "trainings" or a budget says otherwise: what a
// population of 16 costs.
inline constexpr int kSearchTrainings = 16;

struct ScreenedSchedule {
  ExperimentSettings settings;  // as screened: fitted to the budget
  ScreenOutcome screening;
  Schedule schedule;  // the winner's, over the epochs of a training
};

// Screens to the end; writes choose.json and best.schedule.json. Throws as search_schedule() does,
// and UsageError for a trainer other than this program's own.
ScreenedSchedule screen_schedule(const SearchRequest& request, Progress& progress,
                                 const StopToken& stop);

// What it would cost: trainings as members, in one round. Writes nothing.
SearchPlan estimate_screening(const SearchRequest& request, Progress& progress,
                              const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_SCREEN_SEARCH_H_
