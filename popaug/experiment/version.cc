#include "popaug/experiment/version.h"

namespace popaug {

const char* popaug_version() { return POPAUG_VERSION; }

}  // namespace popaug
