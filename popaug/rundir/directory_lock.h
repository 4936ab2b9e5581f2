// The lock of a run directory.
#ifndef POPAUG_RUNDIR_DIRECTORY_LOCK_H_
#define POPAUG_RUNDIR_DIRECTORY_LOCK_H_

#include "popaug/base/base.h"

namespace popaug {

// Holds a run directory for one process by flock on DIR/lock, released at the latest when the
// process ends. Throws Error naming the pid of the holder if another process has it.
class RunLock {
 public:
  explicit RunLock(const fs::path& directory);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  // Gives the directory back as it was: removes DIR/lock if this lock made it, then the directory
  // itself if `made_directory` and it is empty. Holds the lock all the same until it is destroyed.
  void withdraw(bool made_directory);

 private:
  fs::path directory_;
  int descriptor_ = -1;
  bool made_ = false;  // the file DIR/lock
};

}  // namespace popaug

#endif  // POPAUG_RUNDIR_DIRECTORY_LOCK_H_
