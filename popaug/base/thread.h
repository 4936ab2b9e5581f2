// Runs work on all cores. Results do not depend on the number of cores.
#ifndef POPAUG_BASE_THREAD_H_
#define POPAUG_BASE_THREAD_H_

#include <cstddef>
#include <functional>

namespace popaug {

// The number of processors this process may run on (affinity respected), at least 1.
int available_cores();

// Calls body(i) for every i in [0, count), on up to `threads` threads (the caller's among them), in
// chunks of `grain` consecutive indices taken in order. Uses fewer threads where the system gives
// no more. Returns when all are done. If bodies throw, the exception of the lowest index is
// rethrown after the others have stopped.
void parallel_for(size_t count, int threads, const std::function<void(size_t)>& body,
                  size_t grain = 1);

// Processor time of the calling thread so far, in seconds. Waiting for a core does not count.
double thread_seconds();

}  // namespace popaug

#endif  // POPAUG_BASE_THREAD_H_
