#include "popaug/search/trainer.h"

#include <limits>

namespace popaug {

RoundResult diverged_result(const Diverged& diverged) {
  RoundResult result;
  result.score = -std::numeric_limits<double>::infinity();
  result.images_trained = diverged.images_trained;
  result.reason = diverged.what();
  return result;
}

}  // namespace popaug
