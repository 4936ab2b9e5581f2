// The order of images in an epoch, and batches of labels.
#ifndef POPAUG_TRAIN_BATCHES_H_
#define POPAUG_TRAIN_BATCHES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/data/data.h"

namespace popaug {

// The listed images in the order of one epoch: Fisher-Yates from (seed, kShuffle, stream, epoch).
std::vector<uint32_t> epoch_order(std::span<const uint32_t> indices, uint64_t seed, uint64_t stream,
                                  uint64_t epoch);

// Whole batches in an epoch: the last partial one is dropped. UsageError if there is none.
int steps_per_epoch(size_t images, int batch);

}  // namespace popaug

#endif  // POPAUG_TRAIN_BATCHES_H_
