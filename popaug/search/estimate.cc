#include "popaug/search/estimate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

#include "popaug/search/population.h"

namespace popaug {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A policy of the middle of a search: what drift and search alike tend to.
Policy middle_policy(const SearchSettings& settings) {
  Policy policy = zero_policy(settings.space, settings.copies);
  for (PolicyEntry& entry : policy.entries) {
    entry.probability = 0.5;
    entry.level = (settings.space.search_levels - 1) / 2;
  }
  return policy;
}

// One trainer's share of the measurement: a round of one epoch, then one of two. Their difference
// is an epoch, what is left of the first a round's fixed part.
struct Sample {
  double start = 0, one = 0, two = 0, checkpoint = 0;
  int64_t trained = 0, evaluated = 0;
};

Sample measure_one(const SearchSettings& settings, const TrainerFactory& factory, int worker,
                   const fs::path& folder, const StopToken& stop) {
  Sample sample;
  auto start = Clock::now();
  const std::unique_ptr<Trainer> trainer = factory(worker);
  sample.start = seconds_since(start);
  RoundWork work = Population(settings).work(worker % settings.population);
  work.policy = middle_policy(settings);
  work.genes.clear();  // a rate drawn at its worst would diverge, and costs the same time
  work.total_epochs = std::max(4, settings.epochs);
  work.epochs = 1;
  const auto path = [&](int k) {
    return folder / ("w" + std::to_string(worker) + "-" + std::to_string(k));
  };
  const auto quiet = [](double) {};
  work.to = path(0);
  trainer->run(work, quiet, stop);  // warms up: buffers, pages, caches
  for (int k = 1; k <= 2; ++k) {
    work.from = path(k - 1);
    work.to = path(k);
    work.first_epoch += work.epochs;
    work.epochs = k;
    start = Clock::now();
    const RoundResult result = trainer->run(work, quiet, stop);
    (k == 1 ? sample.one : sample.two) = seconds_since(start);
    if (k == 1) sample.trained = result.images_trained;
    sample.evaluated = result.images_evaluated;
  }
  std::error_code none;
  const uintmax_t size = fs::file_size(path(2), none);
  sample.checkpoint = none ? 0 : static_cast<double>(size);
  return sample;
}

// A --budget, as the flag is written, in which work of so many seconds surely fits: a quarter more,
// because a measured pace varies.
std::string sufficient_budget(double seconds) {
  const double enough = std::ceil(1.25 * seconds);
  return enough < 120 ? std::to_string(std::lround(enough)) + "s"
                      : std::to_string(std::lround(std::ceil(enough / 60))) + "m";
}

}  // namespace

double resident_bytes() {
  std::ifstream in("/proc/self/statm");
  double pages = 0, resident = 0;
  in >> pages >> resident;
  return resident * 4096;
}

double peak_resident_bytes() {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    double kibibytes = 0;
    if (word == "VmHWM:" && in >> kibibytes) return kibibytes * 1024;
  }
  return resident_bytes();
}

TrainerCost for_processes(const TrainerCost& cost, int workers, double master_bytes) {
  TrainerCost processes = cost;
  processes.memory_bytes =
      master_bytes + workers * cost.base_bytes + (cost.memory_bytes - cost.base_bytes);
  return processes;
}

TrainerCost measure_trainer(const SearchSettings& settings, const TrainerFactory& factory,
                            int workers, const fs::path& near, const StopToken& stop) {
  check_settings(settings);
  const int count = std::clamp(workers, 1, settings.population);
  const TemporaryFolder scratch("popaug-measure");
  const fs::path folder = near.empty() ? scratch.path() : near / ".measure";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(show_path(folder) + ": cannot make the folder: " + error.message());
  const double base = resident_bytes();
  std::vector<Sample> samples(static_cast<size_t>(count));
  try {
    parallel_for(samples.size(), count, [&](size_t i) {
      samples[i] = measure_one(settings, factory, static_cast<int>(i), folder, stop);
    });
  } catch (...) {
    fs::remove_all(folder, error);
    throw;
  }
  fs::remove_all(folder, error);
  TrainerCost cost;
  for (const Sample& s : samples) {
    cost.start_seconds = std::max(cost.start_seconds, s.start);
    cost.seconds_per_epoch += std::max(0.0, s.two - s.one) / count;
    cost.seconds_per_round += std::max(0.0, 2 * s.one - s.two) / count;
    cost.checkpoint_bytes = std::max(cost.checkpoint_bytes, s.checkpoint);
  }
  cost.images_per_epoch = samples[0].trained;
  cost.images_per_evaluation = samples[0].evaluated;
  cost.base_bytes = base;
  cost.memory_bytes = peak_resident_bytes();
  return cost;
}

SearchPlan plan_search(const SearchSettings& settings, const TrainerCost& cost, int workers) {
  SearchPlan plan;
  plan.members = settings.population;
  plan.rounds = settings.rounds();
  plan.epochs = settings.epochs;
  plan.workers = std::clamp(workers, 1, settings.population);
  const int64_t results = int64_t{plan.members} * plan.rounds;
  plan.images_trained = int64_t{plan.members} * plan.epochs * cost.images_per_epoch;
  plan.images_evaluated = results * cost.images_per_evaluation;
  // A synchronous round takes as many turns as the fullest worker has members.
  const double turns = settings.asynchronous
                           ? static_cast<double>(plan.members) / plan.workers
                           : std::ceil(static_cast<double>(plan.members) / plan.workers);
  const double member = plan.epochs * cost.seconds_per_epoch + plan.rounds * cost.seconds_per_round;
  plan.seconds = cost.start_seconds + turns * member;
  plan.memory_bytes = cost.memory_bytes;
  // Members, and one more for each worker that has written one before the one it replaces goes (at
  // the end: the best); and about 400 bytes of journal a result.
  plan.disk_bytes = static_cast<double>(plan.members + plan.workers) * cost.checkpoint_bytes +
                    400.0 * static_cast<double>(results);
  return plan;
}

SearchSettings fit_budget(const SearchSettings& given, const TrainerCost& cost, int workers,
                          double seconds, std::vector<std::string>* said) {
  SearchSettings s = given;
  const auto time = [&] { return plan_search(s, cost, workers).seconds; };
  const auto shorten = [&](int fewest_rounds) {
    while (time() > seconds && s.rounds() > fewest_rounds) {
      s.epochs = (s.rounds() - 1) * s.epochs_per_round;
    }
  };
  shorten(10);
  while (time() > seconds && s.population > 8) --s.population;
  shorten(3);
  if (time() > seconds) {
    throw UsageError("setting \"budget\": even " + std::to_string(s.rounds()) + " rounds with " +
                     std::to_string(s.population) + " members take about " + duration_text(time()) +
                     ", more than the " + duration_text(seconds) +
                     " given; give setting \"budget\" " + sufficient_budget(time()) +
                     ", a smaller setting \"train_size\" or a smaller setting \"network\"");
  }
  if (said == nullptr) return s;
  const SearchPlan plan = plan_search(s, cost, workers);
  if (s.epochs == given.epochs && s.population == given.population) {
    said->push_back("the search as given takes about " + duration_text(plan.seconds) +
                    " and fits the budget");
  }
  if (s.epochs != given.epochs) {
    said->push_back("epochs: " + std::to_string(s.epochs) + " instead of " +
                    std::to_string(given.epochs) + " (" + std::to_string(s.rounds()) + " rounds)");
  }
  if (s.population != given.population) {
    said->push_back("population: " + std::to_string(s.population) + " instead of " +
                    std::to_string(given.population));
  }
  return s;
}

}  // namespace popaug
