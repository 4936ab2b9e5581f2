#include "popaug/search/internal/search_results.h"

#include <fmt/format.h>

namespace popaug {
namespace {

constexpr uint64_t kMostCheckpointBytes = uint64_t{1} << 40;

Json result_of(const SearchRecord& record, const RunOptions& options, const Workers& workers,
               const Schedule& schedule) {
  const Population& population = record.population();
  const SearchSettings& settings = population.settings();
  const RunTimes times = load_run_log(options.directory / "run.log");
  const int winner = population.winner();
  SearchResult result;
  result.winner = winner;
  result.score = population.score(winner).value();
  result.metric = settings.metric;
  result.population = settings.population;
  result.rounds = settings.rounds();
  result.epochs = settings.epochs;
  result.segments = schedule.segments.size();
  result.copies_in_lineage = population.lineage(winner).size() - 1;
  result.images_trained = record.images_trained();
  result.images_evaluated = record.images_evaluated();
  result.seconds = times.wall_seconds;
  result.worker_seconds = times.trained_seconds;
  result.workers = workers.count > 0 ? workers.count : static_cast<int>(times.by_worker.size());
  result.worker_kind = workers.count > 0 ? workers.kind : "caller";
  result.sessions = times.sessions;
  result.failed_attempts = times.failed;
  result.settings_hash = settings_hash(settings);
  result.data = settings.data;
  result.machine = options.machine;
  return search_result_json(result);
}

}  // namespace

bool has_best_weights(const SearchRecord& record, const CheckpointStore& checkpoints,
                      const fs::path& directory) {
  const Population& population = record.population();
  return checkpoints.equals(directory / "best.safetensors",
                            *population.source(population.winner()));
}

Json write_search_results(SearchRecord& record, const CheckpointStore& checkpoints,
                          const RunOptions& options, const Workers& workers) {
  const Population& population = record.population();
  const fs::path& directory = options.directory;
  const int winner = population.winner();
  if (options.checkpoints && !has_best_weights(record, checkpoints, directory)) {
    const fs::path checkpoint = checkpoints.path(*population.source(winner));
    write_file_atomic(directory / "best.safetensors",
                      read_regular_file(checkpoint, kMostCheckpointBytes));
  }
  Schedule schedule = population.fold(winner);
  schedule.provenance["images_trained"] = record.images_trained();
  schedule.provenance["images_evaluated"] = record.images_evaluated();
  save_schedule(schedule, directory / "best.schedule.json");
  for (int m = 0; m < population.settings().population; ++m) {
    write_file_atomic(directory / fmt::format("pbt_policy_{}.txt", m), population.published_log(m));
  }
  record.write_progress();
  Json result = result_of(record, options, workers, schedule);
  write_file_atomic(directory / "result.json", json_pretty(result));
  return result;
}

}  // namespace popaug
