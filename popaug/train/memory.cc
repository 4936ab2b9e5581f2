// How much memory a member needs, estimated before it starts.
#include "popaug/model/model.h"
#include "popaug/train/train.h"

namespace popaug {

uint64_t estimate_member_memory(const TrainSettings& settings, int channels, int height, int width,
                                int classes) {
  const NetworkShape shape{channels, height, width, classes};
  if (!settings.model.empty()) return 6 * fs::file_size(settings.model);
  const uint64_t parameters = count_parameters(settings.network, shape);
  const uint64_t activations = count_activations(settings.network, shape);
  // Weights, gradients, momentum, and the bytes that a checkpoint is made from twice; what a batch
  // leaves behind, and a fifth of it for what is under way.
  return 4 * (5 * parameters + activations * settings.batch * 6 / 5);
}

}  // namespace popaug
