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
  // Of fast: Winograd's weights for the way forward and for the way back, and their gradient,
  // 36 numbers instead of 9 each.
  const uint64_t replica = parameters * (settings.conv == "fast" ? 1 + 12 : 1);
  // Weights, momentum, and the bytes that a checkpoint is made from twice; each shard's gradients;
  // what a batch leaves behind, and a fifth of it for what is under way.
  return 4 * (4 * parameters + replica * settings.shards + activations * settings.batch * 6 / 5);
}

}  // namespace popaug
