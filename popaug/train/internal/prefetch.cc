#include "popaug/train/internal/prefetch.h"

#include <utility>

namespace popaug {

Prefetch::Prefetch(int first, int steps, Make make)
    : make_(std::move(make)), first_(first), made_(first), taken_(first), thread_([this, steps] {
        run(steps);
      }) {}

Prefetch::~Prefetch() {
  {
    std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Prefetch::run(int steps) {
  for (int step = first_; step < steps; ++step) {
    {
      std::unique_lock lock(mutex_);
      // The caller works on slot (taken_ - 1) % kSlots until it asks for the next.
      changed_.wait(lock, [&] { return leaving_ || step - taken_ < kSlots - 1; });
      if (leaving_) return;
    }
    std::exception_ptr error;
    try {
      make_(step, step % kSlots);
    } catch (...) {
      error = std::current_exception();
    }
    {
      std::lock_guard lock(mutex_);
      error_ = error;
      made_ = step + 1;
    }
    changed_.notify_all();
    if (error) return;
  }
}

int Prefetch::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return made_ > taken_; });
  if (error_ && made_ == taken_ + 1) std::rethrow_exception(error_);
  const int slot = taken_++ % kSlots;
  changed_.notify_all();
  return slot;
}

void DeviceTurn::lock() {
  std::unique_lock lock(mutex_);
  const uint64_t ticket = next_ticket_++;
  changed_.wait(lock, [&] { return serving_ == ticket; });
}

void DeviceTurn::unlock() {
  {
    std::lock_guard lock(mutex_);
    ++serving_;
  }
  changed_.notify_all();
}

int DeviceTurn::waiting() const {
  std::lock_guard lock(mutex_);
  return next_ticket_ == serving_ ? 0 : static_cast<int>(next_ticket_ - serving_ - 1);
}

}  // namespace popaug
