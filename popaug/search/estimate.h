// What a search will cost, before it starts; and which search fits a given time.
#ifndef POPAUG_SEARCH_ESTIMATE_H_
#define POPAUG_SEARCH_ESTIMATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "popaug/search/settings.h"
#include "popaug/search/trainer.h"

namespace popaug {

// From a short measurement of the real trainer.
struct TrainerCost {
  double start_seconds = 0;      // of a worker, once
  double seconds_per_epoch = 0;  // of training, with all workers busy
  double seconds_per_round = 0;  // evaluation, checkpoint, loading
  double checkpoint_bytes = 0;
  double base_bytes = 0;    // resident before there was a trainer: data, libraries
  double memory_bytes = 0;  // the most that was resident with all workers busy
  int64_t images_per_epoch = 0, images_per_evaluation = 0;
};

// The most memory that this process has had resident, and what it has now, in bytes.
double peak_resident_bytes();
double resident_bytes();

// Runs `workers` trainers side by side for a few short rounds under a policy of the middle of a
// search, in a temporary folder beside `near`. Takes about as long as 3 epochs of training.
TrainerCost measure_trainer(const SearchSettings& settings, const TrainerFactory& factory,
                            int workers, const fs::path& near, const StopToken& stop);

struct SearchPlan {
  bool screens = false;  // `members` are trainings from beginning to end
  int members = 0, rounds = 0, epochs = 0, workers = 0;
  int64_t images_trained = 0, images_evaluated = 0;
  double seconds = 0;
  double memory_bytes = 0, disk_bytes = 0;
};
// The same where each worker is a process of its own that reads the data too, and this one only
// keeps the search: `master_bytes` resident without a training library.
TrainerCost for_processes(const TrainerCost& cost, int workers, double master_bytes);

SearchPlan plan_search(const SearchSettings& settings, const TrainerCost& cost, int workers);

// Changes epochs and population (never more than given) so that the plan takes at most `seconds`,
// epochs first, down to 10 rounds, then the population, down to 8, then rounds again, down to 3.
// `said` gets sentences: what was chosen and why. UsageError if even the smallest is too long,
// naming the time it needs.
SearchSettings fit_budget(const SearchSettings& settings, const TrainerCost& cost, int workers,
                          double seconds, std::vector<std::string>* said);

}  // namespace popaug

#endif  // POPAUG_SEARCH_ESTIMATE_H_
