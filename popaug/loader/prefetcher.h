// Threads that make batches ahead of whoever takes them.
#ifndef POPAUG_LOADER_PREFETCHER_H_
#define POPAUG_LOADER_PREFETCHER_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace popaug {

// Makes batches in parts of `grain` images on threads of its own. Parts of the next batch begin
// while the last ones of a batch are still made, so that no thread waits. One caller at a time.
class Prefetcher {
 public:
  // Makes the images first .. last - 1 of batch `batch`. It is called from several threads at once.
  using Work = std::function<void(size_t batch, size_t first, size_t last)>;

  // Starts `threads` threads (at least 1), or as many as the system gives. Throws
  // std::system_error if it gives none.
  Prefetcher(int threads, size_t grain, Work work);
  // stop().
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  // Asks for batch `batch` of `count` images; batches are made in the order of these calls.
  void submit(size_t batch, size_t count);
  // Waits until the oldest batch that was not taken is done, and takes it. False: the time is over
  // first. If a part of the batch failed, throws what its first such part threw, and makes nothing
  // more. There must be such a batch.
  bool take(std::chrono::milliseconds time);
  // Ends the threads after the parts that they are making. Nothing is made afterwards.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace popaug

#endif  // POPAUG_LOADER_PREFETCHER_H_
