#include "popaug/base/thread.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace popaug {

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

void parallel_for(size_t count, int threads, const std::function<void(size_t)>& body,
                  size_t grain) {
  grain = std::max<size_t>(grain, 1);
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  size_t error_index = count;

  const auto work = [&] {
    while (true) {
      const size_t begin = next.fetch_add(grain);
      if (begin >= count) return;
      for (size_t i = begin; i < std::min(begin + grain, count); ++i) {
        try {
          body(i);
        } catch (...) {
          std::lock_guard lock(mutex);
          if (i < error_index) {
            error_index = i;
            error = std::current_exception();
          }
          next.store(count);  // indices below i are already taken: the lowest error is found
          return;
        }
      }
    }
  };

  const size_t chunks = (count + grain - 1) / grain;
  const size_t helpers = std::min<size_t>(std::max(threads, 1), std::max<size_t>(chunks, 1)) - 1;
  std::vector<std::jthread> pool;
  pool.reserve(helpers);
  try {
    for (size_t t = 0; t < helpers; ++t) pool.emplace_back(work);
  } catch (const std::system_error&) {
    // The system gives no more threads: those that run do all of the work.
  }
  work();
  pool.clear();
  if (error) std::rethrow_exception(error);
}

double thread_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace popaug
