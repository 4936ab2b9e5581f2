#include "popaug/schedule/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "popaug/base/base.h"

namespace popaug {

std::vector<std::string> learning_rate_rules() { return {"cosine", "svhn-steps", "constant"}; }

void check_learning_rate_rule(const std::string& rule) {
  const auto known = learning_rate_rules();
  if (std::find(known.begin(), known.end(), rule) == known.end()) {
    throw UsageError(unknown_name("learning-rate rule", rule, known));
  }
}

double learning_rate(const std::string& rule, double lr, int warmup_steps, const StepPlace& place) {
  const int64_t done = int64_t{place.epoch} * place.steps + place.step;
  double rate = lr;
  if (rule == "cosine") {
    const double total = double(place.total_epochs) * place.steps;
    rate = lr * (1 + std::cos(std::numbers::pi * double(done + 1) / total)) / 2;
  } else if (rule == "svhn-steps") {
    const int64_t e = place.epoch, n = place.total_epochs;
    if (e * 160 >= n * 120) {
      rate = lr * 0.01;
    } else if (e * 160 >= n * 80) {
      rate = lr * 0.1;
    }
  } else {
    POPAUG_ASSERT(rule == "constant");
  }
  if (done < warmup_steps) rate *= double(done + 1) / warmup_steps;
  return rate;
}

}  // namespace popaug
