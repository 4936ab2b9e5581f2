// Learning-rate rules (docs/pba.md#optimiser-and-learning-rate): the rate as a pure function of the
// step.
#ifndef POPAUG_SCHEDULE_LEARNING_RATE_H_
#define POPAUG_SCHEDULE_LEARNING_RATE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace popaug {

// "cosine", "svhn-steps", "constant".
std::vector<std::string> learning_rate_rules();
void check_learning_rate_rule(const std::string& rule);

struct StepPlace {
  int epoch = 0;  // from 0
  int step = 0;   // in the epoch, from 0
  int steps = 1;  // in an epoch
  int total_epochs = 1;
};

// The rate of a step. cosine: lr (1 + cos(pi (e steps + s + 1) / total)) / 2. svhn-steps: lr, then
// a tenth from epoch 80 and a hundredth from epoch 120 of 160; for other totals both epochs move in
// proportion. During the first `warmup_steps` steps the rate is multiplied by (steps done + 1) /
// warmup_steps.
double learning_rate(const std::string& rule, double lr, int warmup_steps, const StepPlace& place);

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_LEARNING_RATE_H_
