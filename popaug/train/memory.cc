// How much memory a member needs, estimated before it starts.
#include "popaug/model/model.h"
#include "popaug/train/train.h"

namespace popaug {

uint64_t estimate_member_memory(const TrainSettings& settings, int channels, int height, int width,
                                int classes) {
  const NetworkShape shape{channels, height, width, classes};
  const uint64_t parameters = count_parameters(settings.network, shape);
  // Weights, gradients, momentum, and the copy that a checkpoint is made from.
  return parameters * 4 * 5;
}

}  // namespace popaug
