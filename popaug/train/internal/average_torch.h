// The exponential moving average of a network's weights and batch-norm statistics.
#ifndef POPAUG_TRAIN_INTERNAL_AVERAGE_TORCH_H_
#define POPAUG_TRAIN_INTERNAL_AVERAGE_TORCH_H_

#include <vector>

#include "popaug/train/internal/optimiser_torch.h"

namespace popaug {

class WeightAverage {
 public:
  // The network must outlive the average. start() comes before the first step.
  explicit WeightAverage(Network& network);
  // Takes the network's values.
  void start();

  // After step number `steps` (from 1): a = d a + (1 - d) w with d = min(decay, (1 + steps) / (10 +
  // steps)), so that the first weights do not count in a short training (the rule of TensorFlow's
  // class ExponentialMovingAverage where it is given the number of updates).
  void update(double decay, int64_t steps);

  // Exchanges the averages with the network's values. A second call puts both back.
  void exchange();

  // The averages, by the names of a checkpoint; the values may be set.
  std::vector<Optimiser::State> state() const;

 private:
  Network& network_;
  std::vector<Tensor> averages_;  // of the parameters, then of the buffers
};

// Gives the network its averages for a scope. Nothing happens where `average` is null.
class Averaged {
 public:
  explicit Averaged(WeightAverage* average) : average_(average) {
    if (average_ != nullptr) average_->exchange();
  }
  ~Averaged() {
    if (average_ != nullptr) average_->exchange();
  }
  Averaged(const Averaged&) = delete;
  Averaged& operator=(const Averaged&) = delete;

 private:
  WeightAverage* average_;
};

}  // namespace popaug

#endif  // POPAUG_TRAIN_INTERNAL_AVERAGE_TORCH_H_
