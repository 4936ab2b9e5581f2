// The door of room loader: batches for a training loop that is not ours, made ahead of it by
// threads. Images come from arrays or from files, labels stay with the caller.
#ifndef POPAUG_LOADER_LOADER_H_
#define POPAUG_LOADER_LOADER_H_

#include "popaug/loader/batch_maker.h"
#include "popaug/loader/image_source.h"
#include "popaug/loader/memory_pool.h"
#include "popaug/loader/prefetcher.h"
#include "popaug/loader/shard.h"

#endif  // POPAUG_LOADER_LOADER_H_
