// What the room's tests share. Not part of the library.
#ifndef POPAUG_SEARCH_INTERNAL_TESTING_H_
#define POPAUG_SEARCH_INTERNAL_TESTING_H_

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "popaug/search/search.h"
#include "popaug/search/toy.h"

namespace popaug::testing_search {

// Searches of toys are all fsync: in memory they take seconds instead of minutes.
inline const bool temporary_in_memory = [] {
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  return true;
}();

inline SearchSettings toy_settings(int population = 8, int epochs = 30, int per_round = 3) {
  SearchSettings s;
  s.population = population;
  s.epochs = epochs;
  s.epochs_per_round = per_round;
  s.seed = 7;
  s.space = space_by_name("pba");
  return s;
}

// A toy that asks its search to stop whenever another `every` rounds have been trained.
class StoppingToy : public Trainer {
 public:
  StoppingToy(std::unique_ptr<Trainer> toy, std::atomic<int>& trained, int every, StopToken& search)
      : toy_(std::move(toy)), trained_(trained), every_(every), search_(search) {}

  RoundResult run(const RoundWork& work, const std::function<void(double)>& heartbeat,
                  const StopToken& stop) override {
    RoundResult result = toy_->run(work, heartbeat, stop);
    if (++trained_ % every_ == 0) search_.request();
    return result;
  }

 private:
  std::unique_ptr<Trainer> toy_;
  std::atomic<int>& trained_;
  int every_;
  StopToken& search_;
};

// A search of toys in sittings: each ends once another `every` rounds have been trained, however
// long that takes, and the next resumes. `stopped` sees each interruption; returns how many there
// were.
inline int search_in_sittings(
    const SearchSettings& settings, RunOptions options, int every,
    const std::function<void(const Interrupted&)>& stopped = [](const Interrupted&) {}) {
  options.resume = true;
  const TrainerFactory toys = make_toy_trainer_factory(settings);
  std::atomic<int> trained{0};
  for (int stops = 0;; ++stops) {
    StopToken stop;
    const TrainerFactory factory = [&](int worker) {
      return std::make_unique<StoppingToy>(toys(worker), trained, every, stop);
    };
    try {
      run_search(settings, factory, options, silent_progress(), stop);
      return stops;
    } catch (const Interrupted& interrupted) {
      stopped(interrupted);
    }
  }
}

// All files of a finished run that seed, data and settings determine: name -> bytes.
inline std::map<std::string, std::string> determined_files(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(run)) {
    const std::string name = entry.path().filename();
    const bool clock = name == "run.log" || name == "result.json" || name == "lock" ||
                       name.starts_with("worker-") || entry.is_directory();
    if (!clock) files[name] = read_file(entry.path());
  }
  return files;
}

// Pearson's statistic of counts against equal expectations is beyond `limit` by chance with a
// probability that the caller states.
inline double chi_square(const std::vector<double>& seen, const std::vector<double>& expected) {
  double sum = 0;
  for (size_t i = 0; i < seen.size(); ++i) {
    sum += (seen[i] - expected[i]) * (seen[i] - expected[i]) / expected[i];
  }
  return sum;
}

// Upper quantile 1e-4 of chi-square with k degrees of freedom, after Wilson and Hilferty (1931).
inline double chi_square_limit(int k) {
  const double z = 3.719, a = 2.0 / (9.0 * k);
  return k * std::pow(1 - a + z * std::sqrt(a), 3);
}

}  // namespace popaug::testing_search

#endif  // POPAUG_SEARCH_INTERNAL_TESTING_H_
