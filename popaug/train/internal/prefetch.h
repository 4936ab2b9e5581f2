// Keeps a device busy: batches are prepared ahead on the CPU, and members take turns. No torch.
#ifndef POPAUG_TRAIN_INTERNAL_PREFETCH_H_
#define POPAUG_TRAIN_INTERNAL_PREFETCH_H_

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace popaug {

// Prepares the batches of steps `first` .. `steps` - 1 on a background thread, in order, in two
// slots: while the caller works on one slot, the other is filled. The destructor waits for the
// batch in progress. For one calling thread.
class Prefetch {
 public:
  static constexpr int kSlots = 2;
  // `make(step, slot)` fills a slot that the caller is not using.
  using Make = std::function<void(int step, int slot)>;

  Prefetch(int first, int steps, Make make);
  ~Prefetch();
  // Waits for the next step and returns its slot; releases the previous slot. Throws what `make`
  // threw.
  int next();

 private:
  void run(int steps);

  Make make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int first_, made_, taken_;  // steps before made_ are filled, steps before taken_ were returned
  bool leaving_ = false;
  std::exception_ptr error_;
  std::thread thread_;
};

// A device that several members share. One member works at a time, in the order in which they
// asked, and keeps the device for a round. So no two threads use one device at once.
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

#endif  // POPAUG_TRAIN_INTERNAL_PREFETCH_H_
