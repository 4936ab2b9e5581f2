// What keeps a device busy: batches made ahead on the CPU, and members that take turns. No torch.
#ifndef POPAUG_TRAIN_PREFETCH_H_
#define POPAUG_TRAIN_PREFETCH_H_

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace popaug {

// Makes the things of steps `first` .. `steps` - 1 in order on a thread of its own, two slots in
// turn: while the caller works on one, the next is made. The destructor waits for the one under
// way. For one calling thread.
class Prefetch {
 public:
  static constexpr int kSlots = 2;
  // `make(step, slot)` fills a slot that the caller does not use.
  using Make = std::function<void(int step, int slot)>;

  Prefetch(int first, int steps, Make make);
  ~Prefetch();
  // The slot of the next step, once it is made; gives back the one before. Throws what make threw.
  int next();

 private:
  void run(int steps);

  Make make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int first_, made_, taken_;  // steps before made_ are made, those before taken_ given out
  bool leaving_ = false;
  std::exception_ptr error_;
  std::thread thread_;
};

// A device that several members share: who asks first works first, one at a time. A member keeps it
// for a round, so that no two threads ever use one device at once.
class DeviceTurn {
 public:
  void lock();
  void unlock();
  int waiting() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t next_ticket_ = 0, serving_ = 0;
};

}  // namespace popaug

#endif  // POPAUG_TRAIN_PREFETCH_H_
