#include "popaug/rundir/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace popaug {
namespace {

[[noreturn]] void fail(const fs::path& path, const char* doing, int code) {
  throw Error(show_path(path) + ": cannot " + doing + ": " + std::strerror(code));
}

// The pid that the holder wrote into the lock file; "unknown" if there is none.
std::string holder_of(int descriptor) {
  char text[32] = {};
  const ssize_t n = ::pread(descriptor, text, sizeof text - 1, 0);
  return n > 0 ? std::string(trim(text)) : "unknown";
}

// A lock file is empty or has a pid in it.
bool is_lock_file(int descriptor) {
  char text[32] = {};
  const ssize_t n = ::pread(descriptor, text, sizeof text, 0);
  if (n < 0 || n >= static_cast<ssize_t>(sizeof text)) return false;
  return trim({text, static_cast<size_t>(n)}).find_first_not_of("0123456789") == std::string::npos;
}

// Whether `path` still names the open file: its holder may have removed it in between.
bool still_there(const fs::path& path, int descriptor) {
  struct stat named, opened;
  return ::stat(path.c_str(), &named) == 0 && ::fstat(descriptor, &opened) == 0 &&
         named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

}  // namespace

RunLock::RunLock(const fs::path& directory) : directory_(directory) {
  const fs::path path = directory / "lock";
  const auto give_up = [&](const std::string& sentence) {
    ::close(descriptor_);
    throw Error(sentence);
  };
  do {
    if (descriptor_ >= 0) ::close(descriptor_);
    constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;
    descriptor_ = ::open(path.c_str(), kFlags | O_CREAT | O_EXCL, 0644);
    made_ = descriptor_ >= 0;
    if (descriptor_ < 0) descriptor_ = ::open(path.c_str(), kFlags | O_CREAT, 0644);
    if (descriptor_ < 0) fail(path, "open", errno);
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) give_up(show_path(path) + ": cannot lock: " + std::strerror(errno));
      give_up(show_path(directory) + " is in use by another process (pid " +
              holder_of(descriptor_) +
              "). Wait for it or stop it, or choose another setting \"out\"");
    }
  } while (!still_there(path, descriptor_));
  if (!is_lock_file(descriptor_)) {
    give_up(
        show_path(path) +
        " is not the lock file of a run; another program made it. Choose another setting \"out\"");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, pid.data(), pid.size(), 0) < 0) {
    give_up(show_path(path) + ": cannot write: " + std::strerror(errno));
  }
}

RunLock::~RunLock() { ::close(descriptor_); }

void RunLock::withdraw(bool made_directory) {
  std::error_code ignored;
  if (made_) fs::remove(directory_ / "lock", ignored);
  if (made_directory) ::rmdir(directory_.c_str());
}

}  // namespace popaug
