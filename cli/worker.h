// What a worker process of ours can train.
#ifndef POPAUG_CLI_WORKER_H_
#define POPAUG_CLI_WORKER_H_

#include <memory>

#include "popaug/search/search.h"

namespace popaug::cli {

// The trainer that the key "kind" of the message's trainer settings names. Throws Error for others.
std::unique_ptr<Trainer> make_worker_trainer(const RunMessage& message);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_WORKER_H_
