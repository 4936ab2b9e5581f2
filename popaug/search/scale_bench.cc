// What the engine itself costs, by simulation (docs/decisions/search-scale.md):
//   bench_search [POPULATION ROUNDS]
// prints rows of JSON: microseconds a decision, bytes of journal, memory, seconds of a resume, at
// a quarter, a half and all of the rounds; then the busy share of 64 workers of unequal speed.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <queue>

#include "popaug/search/search.h"

namespace popaug {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double resident_mib() {
  std::ifstream in("/proc/self/statm");
  double pages = 0, resident = 0;
  in >> pages >> resident;
  return resident * 4096 / (1 << 20);
}

SearchSettings settings_of(int population, int rounds) {
  SearchSettings settings;
  settings.space = space_by_name("pba");
  settings.population = population;
  settings.epochs = rounds;
  settings.epochs_per_round = 1;
  settings.seed = 1;
  return settings;
}

RunOptions options_of(const fs::path& directory) {
  RunOptions options;
  options.directory = directory;
  options.checkpoints = false;
  options.resume = true;
  return options;
}

// One decision is one member's result taken over, journaled and answered.
void simulate(int population, int rounds) {
  TemporaryFolder folder("popaug-scale");
  const SearchSettings settings = settings_of(population, rounds);
  const RunOptions options = options_of(folder.path() / "run");
  const std::unique_ptr<Trainer> trainer = make_toy_trainer(Json::object(), settings.space);
  const double memory_before = resident_mib();
  double engine = 0, engine_cpu = 0, training = 0;
  {
    SearchRun run(settings, options);
    while (!run.finished()) {
      auto start = Clock::now();
      double cpu = cpu_seconds();
      std::vector<FinishedRound> round;
      while (auto work = run.take()) round.push_back({std::move(*work), {}, "simulated"});
      engine += seconds_since(start);
      engine_cpu += cpu_seconds() - cpu;
      start = Clock::now();
      for (FinishedRound& finished : round)
        finished.result = trainer->run(finished.work, [](double) {}, {});
      training += seconds_since(start);
      start = Clock::now();
      cpu = cpu_seconds();
      run.tell(round);
      run.news();
      engine += seconds_since(start);
      engine_cpu += cpu_seconds() - cpu;
    }
  }
  const double memory = resident_mib() - memory_before;
  const auto start = Clock::now();
  const double cpu = cpu_seconds();
  const SearchRun resumed(settings, options);
  const double resume = seconds_since(start), resume_cpu = cpu_seconds() - cpu;
  const double decisions = static_cast<double>(population) * rounds;
  const auto journal = static_cast<double>(fs::file_size(options.directory / "journal.jsonl"));
  std::printf("%s\n", json_line({{"name", "simulated search"},
                                 {"population", population},
                                 {"rounds", rounds},
                                 {"us_per_decision", 1e6 * engine / decisions},
                                 {"cpu_us_per_decision", 1e6 * engine_cpu / decisions},
                                 {"toy_us_per_round", 1e6 * training / decisions},
                                 {"journal_bytes_per_decision", journal / decisions},
                                 {"memory_mib", memory},
                                 {"resume_seconds", resume},
                                 {"resume_cpu_seconds", resume_cpu}})
                          .c_str());
  std::fflush(stdout);
}

// 64 workers, 64 members, in simulated time: member m's round takes 1 + (m % 4) times one draw
// within 20 %. Says what share of the workers' time is spent training.
void busy_share(bool asynchronous) {
  SearchSettings settings = settings_of(64, 100);
  settings.asynchronous = asynchronous;
  Population population(settings);
  Random random({1, Purpose::kTest});
  struct Event {
    double time;
    int member;
    bool operator<(const Event& other) const { return time > other.time; }
  };
  std::priority_queue<Event> running;
  std::vector<bool> out(64, false);
  double now = 0, busy = 0;
  while (!population.finished()) {
    for (const int member : population.due()) {
      if (out[member]) continue;
      const double takes = (1 + member % 4) * (0.8 + 0.4 * random.uniform());
      running.push({now + takes, member});
      out[member] = true;
      busy += takes;
    }
    const Event next = running.top();
    running.pop();
    now = next.time;
    out[next.member] = false;
    population.tell(next.member, {random.uniform(), {}});
  }
  std::printf("%s\n", json_line({{"name", "busy share of 64 workers, rounds of 1 to 4 units"},
                                 {"asynchronous", asynchronous},
                                 {"busy_share", busy / (64 * now)},
                                 {"units", now}})
                          .c_str());
}

}  // namespace
}  // namespace popaug

int main(int argc, char** argv) {
  const int population = argc > 2 ? std::atoi(argv[1]) : 1000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 1000;
  try {
    for (const int part : {4, 2, 1}) popaug::simulate(population, rounds / part);
    popaug::busy_share(false);
    popaug::busy_share(true);
  } catch (const popaug::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
