// libpopaug_train, opened when a verb trains: all other verbs start without torch.
#ifndef POPAUG_CLI_TRAINING_H_
#define POPAUG_CLI_TRAINING_H_

#include "popaug/train/train.h"

namespace popaug::cli {

// The library's functions; opened at the first call, then kept. Throws Error in one sentence if the
// library or torch is not there, does not load, or belongs to another popaug.
const TrainingApi& training();

}  // namespace popaug::cli

#endif  // POPAUG_CLI_TRAINING_H_
