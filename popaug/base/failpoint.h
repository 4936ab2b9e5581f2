// Named places where tests make the world fail or the process die.
#ifndef POPAUG_BASE_FAILPOINT_H_
#define POPAUG_BASE_FAILPOINT_H_

#include <string>
#include <string_view>

namespace popaug {

// True (with errno set) when the failpoint `name` is armed to fail at this visit; does not return
// when it is armed to kill. Returns false where it stops. Unarmed, costs one relaxed load. Thread
// safe.
bool failpoint(const char* name);

// Arms failpoints from "name=action@n[,name=action@n]": at the n-th visit (from 1; default 1) the
// action is "enospc" or "eio" (errno, once), "kill" (SIGKILL to this process), "stop" (SIGINT, as
// Ctrl-C sends it, handled before the visit is over) or "enospc*" (from then on). The environment
// variable POPAUG_FAILPOINTS is read once, at the first visit. An empty text disarms all. Throws
// UsageError on bad text.
void arm_failpoints(std::string_view text);

}  // namespace popaug

#endif  // POPAUG_BASE_FAILPOINT_H_
