// What a worker process of ours can train.
#ifndef POPAUG_CLI_WORKER_H_
#define POPAUG_CLI_WORKER_H_

#include <memory>

#include "popaug/search/search.h"

namespace popaug::cli {

// The network of the search whose config.toml the message carries, or the toy.
std::unique_ptr<Trainer> make_worker_trainer(const RunMessage& message);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_WORKER_H_
