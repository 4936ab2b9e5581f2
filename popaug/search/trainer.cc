#include "popaug/search/trainer.h"

#include <cmath>
#include <limits>

namespace popaug {

std::optional<std::string> limit_fault(const RoundResult& result) {
  for (const int64_t images : {result.images_trained, result.images_evaluated}) {
    if (images < 0 || images > kMostImagesOfARound) {
      return std::to_string(images) + " images in one round are outside 0 to " +
             std::to_string(kMostImagesOfARound);
    }
  }
  if (result.correct.size() > kMostValidationImages) return "there are too many validation images";
  if (!std::isfinite(result.seconds) || result.seconds < 0) {
    return "the seconds of the round are not a duration";
  }
  if (result.metrics.size() > kMostMetrics) {
    return std::to_string(result.metrics.size()) + " metrics are more than the " +
           std::to_string(kMostMetrics) + " that a result may have";
  }
  for (const auto& [name, value] : result.metrics) {
    if (name.empty() || name.size() > kLongestMetricName) {
      return "the name of a metric has " + std::to_string(name.size()) + " bytes, expected 1 to " +
             std::to_string(kLongestMetricName);
    }
    if (!std::isfinite(value)) return "the metric " + quote(name) + " is not a finite number";
  }
  return std::nullopt;
}

RoundResult diverged_result(const Diverged& diverged) {
  RoundResult result;
  result.score = -std::numeric_limits<double>::infinity();
  result.images_trained = diverged.images_trained;
  result.reason = diverged.what();
  return result;
}

}  // namespace popaug
