// How much memory a member needs, estimated before it starts.
#include <algorithm>

#include "popaug/model/model.h"
#include "popaug/train/train.h"

namespace popaug {

uint64_t estimate_member_memory(const TrainSettings& settings, int channels, int height, int width,
                                int classes) {
  const NetworkShape shape{channels, height, width, classes};
  if (!settings.model.empty()) return 6 * fs::file_size(settings.model);
  const uint64_t parameters = count_parameters(settings.network, shape);
  const uint64_t activations = count_activations(settings.network, shape);
  // Without `exact`: Winograd's weights for the forward and the backward pass and their gradient,
  // each 36 numbers instead of 9.
  const uint64_t replica = parameters * (settings.conv == "exact" ? 1 : 1 + 12);
  // Weights and the state of the optimiser and of averages, and all of it again as a checkpoint.
  const uint64_t copies =
      2 * ((settings.optimizer == "adamw" ? 3 : 2) + (settings.ema > 0 ? 1 : 0));
  // A batch in parts keeps the sums of their gradients. An evaluation has batches of its own size,
  // but keeps few layers at a time.
  const uint64_t sums = settings.accumulate > 1 ? parameters * settings.shards : 0;
  const auto batch = static_cast<uint64_t>(settings.batch);
  const uint64_t images = std::max(batch / settings.accumulate, std::min<uint64_t>(batch, 32));
  // These; the gradients of each shard; the activations of a part, and a fifth of them for
  // temporaries.
  return 4 *
         (copies * parameters + replica * settings.shards + sums + activations * images * 6 / 5);
}

}  // namespace popaug
