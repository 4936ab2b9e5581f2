#include "popaug/base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "popaug/base/error.h"
#include "popaug/base/failpoint.h"
#include "popaug/base/text.h"

namespace popaug {
namespace {

[[noreturn]] void fail(const fs::path& path, const char* doing) {
  const int code = errno;
  std::string sentence = show_path(path) + ": cannot " + doing + ": " + std::strerror(code);
  if (code == ENOSPC) sentence += ". Free some space, then run the same command with --resume";
  throw Error(sentence);
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

// Writes all of `bytes`; false with errno set on failure.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t limit) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) fail(path, "open");
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) fail(path, "read");
  if (S_ISDIR(status.st_mode)) throw Error(show_path(path) + " is a folder, not a file");
  std::string bytes;
  if (status.st_size > 0) bytes.reserve(std::min<uint64_t>(status.st_size, limit) + 1);
  char block[1 << 16];
  while (true) {
    const ssize_t n = ::read(fd.get(), block, sizeof block);
    if (n < 0) {
      if (errno == EINTR) continue;
      fail(path, "read");
    }
    if (n == 0) return bytes;
    bytes.append(block, static_cast<size_t>(n));
    if (bytes.size() > limit) {
      throw Error(show_path(path) + " is larger than the " + std::to_string(limit) +
                  " bytes that are read here");
    }
  }
}

void sync_folder(const fs::path& folder) {
  Descriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) fail(folder, "open");
  if (::fsync(fd.get()) != 0 && errno != EINVAL) fail(folder, "sync");
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  static std::atomic<uint64_t> counter{0};
  const fs::path temporary =
      path.parent_path() / ("." + path.filename().string() + "." + std::to_string(::getpid()) +
                            "." + std::to_string(counter++) + ".tmp");
  auto give_up = [&](const char* doing) {
    const int code = errno;
    ::unlink(temporary.c_str());
    errno = code;
    fail(path, doing);
  };
  {
    Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (fd.get() < 0) fail(path, "write");
    const size_t half = bytes.size() / 2;
    if (!write_all(fd.get(), bytes.substr(0, half))) give_up("write");
    if (failpoint("file.write") || !write_all(fd.get(), bytes.substr(half))) give_up("write");
    if (failpoint("file.sync") || ::fsync(fd.get()) != 0) give_up("sync");
  }
  if (failpoint("file.rename") || ::rename(temporary.c_str(), path.c_str()) != 0) {
    give_up("rename the new file into place");
  }
  sync_folder(path.parent_path());
}

AppendFile::AppendFile(const fs::path& path, uint64_t keep) : path_(path) {
  Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (fd.get() < 0) fail(path, "open for writing");
  const off_t end = ::lseek(fd.get(), 0, SEEK_END);
  if (end < 0) fail(path, "read");
  if (static_cast<uint64_t>(end) > keep) {
    if (::ftruncate(fd.get(), static_cast<off_t>(keep)) != 0) fail(path, "cut");
    if (::fsync(fd.get()) != 0) fail(path, "sync");
  }
  const off_t position = ::lseek(fd.get(), 0, SEEK_END);
  if (position < 0) fail(path, "read");
  size_ = static_cast<uint64_t>(position);
  sync_folder(path.parent_path());
  descriptor_ = fd.release();
}

AppendFile::~AppendFile() { ::close(descriptor_); }

void AppendFile::append(std::string_view bytes) {
  const size_t half = bytes.size() / 2;
  bool good = write_all(descriptor_, bytes.substr(0, half));
  good = good && !failpoint("append.write") && write_all(descriptor_, bytes.substr(half));
  good = good && !failpoint("append.sync") && ::fdatasync(descriptor_) == 0;
  if (!good) {
    const int code = errno;
    if (::ftruncate(descriptor_, static_cast<off_t>(size_)) == 0) {
      ::lseek(descriptor_, 0, SEEK_END);
    }
    errno = code;
    fail(path_, "append");
  }
  size_ += bytes.size();
}

DirectoryLock::DirectoryLock(const fs::path& directory) {
  const fs::path path = directory / "lock";
  Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (fd.get() < 0) fail(path, "open");
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) fail(path, "lock");
    char holder[32] = {};
    const ssize_t n = ::pread(fd.get(), holder, sizeof holder - 1, 0);
    const std::string pid = n > 0 ? std::string(trim(holder)) : "unknown";
    throw Error(show_path(directory) + " is in use by another process (pid " + pid +
                "). Wait for it or stop it, or choose another --out");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0) {
    fail(path, "write");
  }
  descriptor_ = fd.release();
}

DirectoryLock::~DirectoryLock() { ::close(descriptor_); }

MappedFile::MappedFile(const fs::path& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) fail(path, "open");
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) fail(path, "read");
  if (S_ISDIR(status.st_mode)) throw Error(show_path(path) + " is a folder, not a file");
  size_ = static_cast<size_t>(status.st_size);
  if (size_ == 0) return;
  void* map = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (map == MAP_FAILED) fail(path, "map into memory");
  data_ = static_cast<const uint8_t*>(map);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<uint8_t*>(data_), size_);
}

TemporaryFolder::TemporaryFolder(std::string_view prefix) {
  std::string pattern = (fs::temp_directory_path() / prefix).string() + ".XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) fail(pattern, "make the temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace popaug
