// The door of room train: training, evaluation, and the Trainer that search drives. No torch here.
#ifndef POPAUG_TRAIN_TRAIN_H_
#define POPAUG_TRAIN_TRAIN_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/base/base.h"
#include "popaug/data/data.h"
#include "popaug/schedule/schedule.h"
#include "popaug/search/search.h"

namespace popaug {

// How a network is trained (REFERENCE 4, 5). Everything that changes the result.
struct TrainSettings {
  std::string network = "wrn-28-2";
  int batch = 128;
  double lr = 0.1;
  std::string lr_rule = "cosine";  // "cosine" (per step), "svhn-steps", "constant"
  double weight_decay = 5e-4;      // the L2 term of the loss (REFERENCE 4)
  double momentum = 0.9;
  double clip = 5;  // gradient norm, L2 term inside; 0: none
  double label_smoothing = 0;
  int warmup_steps = 0;
  std::string conv = "exact";  // "fast" or "exact"
  std::string device = "cpu";
  bool paper_pixels = false;  // pixel values unscaled (DESIGN 4.7)
};

// A stream of evaluation: the share of wrong labels, and what a decision or a report needs.
struct Evaluation {
  int64_t images = 0, wrong = 0;
  double loss = 0;                              // mean cross-entropy
  std::vector<uint8_t> correct;                 // [images]
  std::vector<std::vector<int64_t>> confusion;  // [label][predicted]
  std::vector<float> confidence;                // [images] probability of the predicted class
  std::vector<uint32_t> predicted;              // [images]
  double accuracy() const { return images ? 1.0 - double(wrong) / double(images) : 0; }
};

// A labelled part of a split.
struct Subset {
  const Split* split = nullptr;
  std::vector<uint32_t> indices;
};

// A Trainer for members of a search over `train` and `validation`; space, rule and base come from
// the search, policies with each round's work. Shares the data between workers.
TrainerFactory make_trainer_factory(const TrainSettings& settings, const Space& space,
                                    const Rule& rule, const BaseTransforms& base,
                                    const std::vector<std::string>& classes, const Subset& train,
                                    const Subset& validation, const std::string& metric);

struct TrainReport {
  std::vector<double> train_loss;  // per epoch
  int64_t images_trained = 0;
  double seconds = 0;
  int64_t steps = 0;
};

// Trains from scratch over schedule.epochs() epochs and writes DIR/best.safetensors (and
// DIR/progress.csv, checkpoints for --resume). Resumes when DIR holds a checkpoint of the same
// settings and data.
TrainReport train_network(const TrainSettings& settings, const Schedule& schedule,
                          const std::vector<std::string>& classes, const Subset& train,
                          uint64_t seed, const fs::path& directory, Progress& progress,
                          const StopToken& stop);

// Evaluates a checkpoint made by train_network or a search.
Evaluation evaluate_checkpoint(const fs::path& checkpoint, const Subset& subset, int batch,
                               const std::string& device, Progress& progress);

// The names of the networks; checks a name without building it.
std::vector<std::string> network_names();

}  // namespace popaug

#endif  // POPAUG_TRAIN_TRAIN_H_
