// result.json: the summary of a finished search or training (docs/formats/run.md).
#ifndef POPAUG_RUNDIR_RESULT_JSON_H_
#define POPAUG_RUNDIR_RESULT_JSON_H_

#include <cstdint>
#include <optional>
#include <string>

#include "popaug/base/base.h"

namespace popaug {

struct SearchResult {
  int winner = 0;
  double score = 0;
  std::string metric;
  int population = 0, rounds = 0, epochs = 0;
  size_t segments = 0;           // of the winner's schedule
  size_t copies_in_lineage = 0;  // of the winner
  int64_t images_trained = 0, images_evaluated = 0;
  double seconds = 0;         // of all sessions
  double worker_seconds = 0;  // sum over rounds
  int workers = 0;
  std::string worker_kind;  // "thread" or "process"
  int64_t sessions = 0, failed_attempts = 0;
  std::string settings_hash, data;
  Json machine;  // an object
};

struct TrainingResult {
  std::string network;
  std::string schedule;  // name
  int epochs = 0;
  int64_t images_trained = 0, steps = 0;
  size_t train_images = 0;
  std::optional<double> train_loss;  // of the last epoch
  int best_epoch = 0;
  double seconds = 0;
  int64_t seed = 0;
  std::string data;  // fingerprint
};

Json search_result_json(const SearchResult& result);
Json training_result_json(const TrainingResult& result);

// Reads a result.json of `kind` ("search" or "train"). Throws Error for another format, version or
// kind, and for a field whose type or range is wrong. Fields of later versions may be there.
Json read_result(const fs::path& path, const std::string& kind);

}  // namespace popaug

#endif  // POPAUG_RUNDIR_RESULT_JSON_H_
