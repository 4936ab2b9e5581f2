#include "popaug/loader/prefetcher.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {
namespace {

struct PendingBatch {
  size_t batch = 0, count = 0;
  size_t next = 0;  // the first image that no thread has taken
  size_t done = 0;
  std::exception_ptr error;
  size_t error_at = 0;  // the first image of the part that failed
  // A batch with an error takes no further part.
  bool all_taken() const { return error != nullptr || next >= count; }
};

}  // namespace

struct Prefetcher::State {
  State(size_t grain_of_parts, Work what)
      : grain(std::max<size_t>(grain_of_parts, 1)), work(std::move(what)) {}

  // The oldest batch that has parts left, or null. With the lock held.
  PendingBatch* open_batch() {
    for (PendingBatch& pending : batches) {
      if (pending.error != nullptr) return nullptr;  // what follows is not wanted
      if (!pending.all_taken()) return &pending;
    }
    return nullptr;
  }

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      PendingBatch* pending = nullptr;
      work_left.wait(lock, [&] { return stopping || (pending = open_batch()) != nullptr; });
      if (stopping) return;
      const size_t first = pending->next, last = std::min(first + grain, pending->count);
      pending->next = last;
      lock.unlock();
      std::exception_ptr error;
      try {
        work(pending->batch, first, last);  // a deque moves no element while others come and go
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      pending->done += last - first;
      if (error != nullptr && (pending->error == nullptr || first < pending->error_at)) {
        pending->error = error;
        pending->error_at = first;
      }
      if (finished(*pending)) batch_done.notify_all();
    }
  }

  // Every part that a thread has taken is made. Parts are taken in order, so of several errors the
  // first is known then.
  static bool finished(const PendingBatch& pending) {
    return pending.all_taken() && pending.done == pending.next;
  }

  const size_t grain;
  const Work work;
  std::mutex mutex;
  std::condition_variable work_left, batch_done;
  std::deque<PendingBatch> batches;
  bool stopping = false;
  std::vector<std::thread> threads;
};

Prefetcher::Prefetcher(int threads, size_t grain, Work work)
    : state_(std::make_unique<State>(grain, std::move(work))) {
  for (int t = 0; t < std::max(threads, 1); ++t) {
    try {
      state_->threads.emplace_back([state = state_.get()] { state->run(); });
    } catch (const std::system_error&) {
      if (t == 0) throw;
      break;  // those that run do all of the work
    }
  }
}

Prefetcher::~Prefetcher() { stop(); }

void Prefetcher::submit(size_t batch, size_t count) {
  const std::lock_guard lock(state_->mutex);
  PendingBatch& pending = state_->batches.emplace_back();
  pending.batch = batch;
  pending.count = count;
  state_->work_left.notify_all();
}

bool Prefetcher::take(std::chrono::milliseconds time) {
  std::unique_lock lock(state_->mutex);
  POPAUG_ASSERT(!state_->batches.empty());
  PendingBatch& oldest = state_->batches.front();
  if (!state_->batch_done.wait_for(lock, time, [&] { return State::finished(oldest); })) {
    return false;
  }
  if (oldest.error != nullptr) {
    const std::exception_ptr error = oldest.error;
    lock.unlock();
    stop();
    std::rethrow_exception(error);
  }
  state_->batches.pop_front();
  return true;
}

void Prefetcher::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->work_left.notify_all();
  }
  for (std::thread& thread : state_->threads) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace popaug
