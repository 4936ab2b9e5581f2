// Thread workers: each has a trainer of its own and takes work until there is none.
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <system_error>
#include <thread>

#include "popaug/search/internal/pool.h"

namespace popaug {
namespace {

class ThreadPool {
 public:
  ThreadPool(SearchRun& run, const TrainerFactory& factory, int workers, const StopToken& stop)
      : run_(run), factory_(factory), stop_(stop), shares_(static_cast<size_t>(workers)) {}

  void work(Progress& progress) {
    std::vector<std::jthread> threads;
    alive_ = static_cast<int>(shares_.size());
    for (size_t i = 0; i < shares_.size(); ++i) {
      try {
        threads.emplace_back([this, i] { serve(static_cast<int>(i)); });
      } catch (const std::system_error&) {
        // The system gives no more threads. Those that run do all of the work.
        if (threads.empty()) throw;
        const std::lock_guard lock(mutex_);
        alive_ -= static_cast<int>(shares_.size() - i);
        break;
      }
    }
    std::unique_lock lock(mutex_);
    while (alive_ > 0) {
      changed_.wait_for(lock, std::chrono::milliseconds(200));
      if (stop_.requested()) leave_.request();
      for (const std::string& line : run_.news()) progress.event(line);
      const double begun = std::accumulate(shares_.begin(), shares_.end(), 0.0);
      progress.update(static_cast<double>(run_.done()) + begun, static_cast<double>(run_.total()),
                      run_.note());
    }
    lock.unlock();
    threads.clear();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void serve(int worker) {
    try {
      const std::unique_ptr<Trainer> trainer = factory_(worker);
      while (std::optional<RoundWork> work = next()) do_round(worker, *trainer, *work);
    } catch (...) {
      std::lock_guard lock(mutex_);
      // The first error counts: a later interruption must not hide it.
      if (!error_) error_ = std::current_exception();
      leave_.request();
    }
    std::lock_guard lock(mutex_);
    --alive_;
    changed_.notify_all();
  }

  std::optional<RoundWork> next() {
    std::unique_lock lock(mutex_);
    while (!leave_.requested() && !run_.finished()) {
      if (std::optional<RoundWork> work = run_.take()) return work;
      changed_.wait_for(lock, std::chrono::milliseconds(200));
    }
    return std::nullopt;
  }

  void do_round(int worker, Trainer& trainer, const RoundWork& work) {
    const std::string name = "thread " + std::to_string(worker);
    FinishedRound finished{work, {}, name};
    try {
      finished.result = train(worker, trainer, work);
      std::lock_guard lock(mutex_);
      shares_[worker] = 0;
      if (const auto why = run_.fault(finished)) throw Error(*why);
    } catch (const Interrupted&) {
      std::lock_guard lock(mutex_);
      run_.give_back(work, "", name);
      if (!leave_.requested()) throw;
      return;
    } catch (const Error& error) {
      std::lock_guard lock(mutex_);
      run_.log("failed", {{"round", work.round},
                          {"member", work.member},
                          {"worker", name},
                          {"reason", error.what()}});
      // The same code on the same input would fail again: no second attempt.
      throw Error("member " + std::to_string(work.member) + ", round " +
                      std::to_string(work.round) + ": " + error.what(),
                  error.code());
    }
    std::lock_guard lock(mutex_);
    run_.tell({&finished, 1});
    changed_.notify_all();
  }

  RoundResult train(int worker, Trainer& trainer, const RoundWork& work) {
    try {
      return trainer.run(
          work, [&](double share) { begun(worker, share); }, leave_);
    } catch (const Diverged& diverged) {
      return diverged_result(diverged);
    }
  }

  void begun(int worker, double share) {
    std::lock_guard lock(mutex_);
    shares_[worker] = share;
  }

  SearchRun& run_;
  const TrainerFactory& factory_;
  const StopToken& stop_;
  StopToken leave_;  // the user's stop, or an error of another worker
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<double> shares_;
  int alive_ = 0;
  std::exception_ptr error_;
};

}  // namespace

void run_threads(SearchRun& run, const TrainerFactory& factory, int workers, Progress& progress,
                 const StopToken& stop) {
  ThreadPool(run, factory, workers, stop).work(progress);
}

}  // namespace popaug
