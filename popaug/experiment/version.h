// The version of this popaug.
#ifndef POPAUG_EXPERIMENT_VERSION_H_
#define POPAUG_EXPERIMENT_VERSION_H_

namespace popaug {

// "0.1.0".
const char* popaug_version();

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_VERSION_H_
