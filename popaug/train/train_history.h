// The history of a training, which its checkpoints carry (docs/formats/checkpoint.md, "extra").
#ifndef POPAUG_TRAIN_TRAIN_HISTORY_H_
#define POPAUG_TRAIN_TRAIN_HISTORY_H_

#include <string>
#include <vector>

#include "popaug/rundir/rundir.h"
#include "popaug/schedule/schedule.h"
#include "popaug/train/settings.h"

namespace popaug {

// Everything that a resumed training must know beside weights and momentum.
struct TrainHistory {
  std::vector<TrainingEpoch> rows;
  double partial_loss = 0;  // sum over the steps of the epoch that is under way
  int best_epoch = 0;       // from 1

  int epochs() const { return static_cast<int>(rows.size()); }
  // Appends; true if this epoch is the best by validation so far.
  bool add(const TrainingEpoch& row);
  std::string note() const;  // a few words for a progress line
  Json to_json(const std::string& hash) const;
  // Error if the checkpoint belongs to a training with another hash.
  static TrainHistory from_json(const Json& json, const std::string& origin,
                                const std::string& hash);
};

// Hash of all that determines a training's result.
std::string training_hash(const TrainSettings& settings, const Schedule& schedule,
                          const std::vector<std::string>& classes, const Subset& train,
                          const Subset& validation, uint64_t seed);

}  // namespace popaug

#endif  // POPAUG_TRAIN_TRAIN_HISTORY_H_
