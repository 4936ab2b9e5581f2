// The order of images in an epoch, and batches of labels.
#ifndef POPAUG_TRAIN_INTERNAL_BATCHES_H_
#define POPAUG_TRAIN_INTERNAL_BATCHES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/data/data.h"

namespace popaug {

// The images of one epoch, in order. An image that comes again within it has another number of
// repeats (from 0), so that its augmentation is drawn anew.
struct EpochOrder {
  std::vector<uint32_t> images;
  std::vector<uint32_t> repeats;  // empty: none comes again
};

// Every class equally often: as many images as are listed, in rounds that have one image of each
// class. Classes, and the images of each, are shuffled by (seed, kShuffle, stream, epoch); all
// images of a class come once before one comes again. `labels` are of the whole split.
EpochOrder balanced_order(std::span<const uint32_t> indices, std::span<const uint32_t> labels,
                          uint64_t seed, uint64_t stream, uint64_t epoch);

// For each of `classes`: images / (classes that have images * images of the class); 0 for a class
// without images.
std::vector<float> class_weights(std::span<const uint32_t> indices,
                                 std::span<const uint32_t> labels, size_t classes);

// Returns the listed images in the order of one epoch: a Fisher-Yates shuffle keyed by (seed,
// kShuffle, stream, epoch).
std::vector<uint32_t> epoch_order(std::span<const uint32_t> indices, uint64_t seed, uint64_t stream,
                                  uint64_t epoch);

// The number of whole batches in an epoch; the last partial batch is dropped. UsageError if there
// is none.
int steps_per_epoch(size_t images, int batch);

}  // namespace popaug

#endif  // POPAUG_TRAIN_INTERNAL_BATCHES_H_
