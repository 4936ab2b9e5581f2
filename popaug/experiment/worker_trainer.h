// What a worker process of ours can train.
#ifndef POPAUG_EXPERIMENT_WORKER_TRAINER_H_
#define POPAUG_EXPERIMENT_WORKER_TRAINER_H_

#include <memory>

#include "popaug/search/search.h"

namespace popaug {

// The network of the search whose config.toml the message carries, or the toy.
std::unique_ptr<Trainer> make_worker_trainer(const RunMessage& message);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_WORKER_TRAINER_H_
