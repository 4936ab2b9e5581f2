// Which images one process trains on in an epoch, and in which order.
#ifndef POPAUG_LOADER_SHARD_H_
#define POPAUG_LOADER_SHARD_H_

#include <cstdint>
#include <vector>

namespace popaug {

// One of `world` processes that share the images of an epoch, with batches of `batch` images.
struct Shard {
  uint32_t rank = 0, world = 1;  // rank < world
  uint32_t batch = 1;            // at least 1
  bool shuffle = true;
  bool drop_last = false;  // leave out what does not fill a batch, or a round of all processes
};

// How many images of `count` each process gets: the same number on all of them. As torch's
// DistributedSampler does it, images are repeated from the beginning of the order until they can be
// shared evenly; with drop_last the rest is left out instead, and so is a last batch that is not
// full.
uint64_t shard_images(uint64_t count, const Shard& shard);
uint64_t shard_batches(uint64_t count, const Shard& shard);

// The images 0 .. count - 1 of an epoch for this process, in order: those at the places rank, rank
// + world, ... of the order of the epoch. All processes draw that order from (seed, kShuffle,
// stream, epoch), as trainings of room train do.
std::vector<uint32_t> shard_order(uint32_t count, const Shard& shard, uint64_t seed,
                                  uint32_t stream, uint32_t epoch);

}  // namespace popaug

#endif  // POPAUG_LOADER_SHARD_H_
