#include "popaug/loader/shard.h"

#include <algorithm>
#include <numeric>

#include "popaug/base/base.h"
#include "popaug/base/shuffle.h"

namespace popaug {

uint64_t shard_images(uint64_t count, const Shard& shard) {
  POPAUG_ASSERT(shard.world >= 1 && shard.rank < shard.world && shard.batch >= 1);
  if (!shard.drop_last) return (count + shard.world - 1) / shard.world;
  const uint64_t share = count / shard.world;
  return share - share % shard.batch;
}

uint64_t shard_batches(uint64_t count, const Shard& shard) {
  return (shard_images(count, shard) + shard.batch - 1) / shard.batch;
}

std::vector<uint32_t> shard_order(uint32_t count, const Shard& shard, uint64_t seed,
                                  uint32_t stream, uint32_t epoch) {
  std::vector<uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0u);
  if (shard.shuffle) {
    Random random({seed, Purpose::kShuffle, stream, epoch, 0});
    shuffle(all, random);
  }
  std::vector<uint32_t> own(shard_images(count, shard));
  for (uint64_t i = 0; i < own.size(); ++i) own[i] = all[(shard.rank + i * shard.world) % count];
  return own;
}

}  // namespace popaug
