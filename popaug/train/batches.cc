#include "popaug/train/batches.h"

#include <utility>

namespace popaug {

std::vector<uint32_t> epoch_order(std::span<const uint32_t> indices, uint64_t seed, uint64_t stream,
                                  uint64_t epoch) {
  std::vector<uint32_t> order(indices.begin(), indices.end());
  Random random({seed, Purpose::kShuffle, stream, epoch, 0});
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.below(static_cast<uint32_t>(i))]);
  }
  return order;
}

int steps_per_epoch(size_t images, int batch) {
  if (batch < 1) throw UsageError("batch: " + std::to_string(batch) + " is not at least 1");
  if (images < static_cast<size_t>(batch)) {
    throw UsageError("batch: " + std::to_string(batch) + " images do not fit into " +
                     std::to_string(images) +
                     " training images (partial batches are dropped); choose a smaller --batch");
  }
  return static_cast<int>(images / batch);
}

}  // namespace popaug
