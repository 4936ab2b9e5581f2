#include "popaug/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "popaug/base/error.h"
#include "popaug/base/failpoint.h"
#include "popaug/base/text.h"

namespace popaug {
namespace {

[[noreturn]] void fail(const fs::path& path, const char* doing) {
  const int code = errno;
  std::string sentence = show_path(path) + ": cannot " + doing + ": " + std::strerror(code);
  if (code == ENOSPC)
    sentence += ". Free some space, then run the same command with setting \"resume\"";
  throw Error(sentence);
}

// Opens with O_CLOEXEC, never as descriptor 0, 1 or 2: where those are closed, a file would get
// their number and receive whatever the process prints.
int open_file(const fs::path& path, int flags, mode_t mode = 0644) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  const int higher = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int code = errno;
  ::close(fd);
  errno = code;
  return higher;
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
  Descriptor fd(open_file(path, O_RDONLY));
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
  Descriptor fd(open_file(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY));
  if (fd.get() < 0) fail(folder, "open");
  if (::fsync(fd.get()) != 0 && errno != EINVAL) fail(folder, "sync");
}

namespace {

// Makes a new file beside `path` and opens it. A file or a link that is there already, such as the
// leftover of a process that had our number, stays as it is: the next name is tried.
Descriptor make_temporary(const fs::path& path, fs::path* temporary) {
  static std::atomic<uint64_t> counter{0};
  while (true) {
    *temporary =
        path.parent_path() / ("." + path.filename().string() + "." + std::to_string(::getpid()) +
                              "." + std::to_string(counter++) + ".tmp");
    const int fd = open_file(*temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (fd >= 0) return Descriptor(fd);
    if (errno != EEXIST) fail(path, "write");
  }
}

}  // namespace

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  fs::path temporary;
  auto give_up = [&](const char* doing) {
    const int code = errno;
    ::unlink(temporary.c_str());
    errno = code;
    fail(path, doing);
  };
  {
    const Descriptor fd = make_temporary(path, &temporary);
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

namespace {

// Follows links to the name that they end at, which need not exist. Nothing for a link through
// /proc, such as /dev/stdout: it names an open file, not a place in a folder.
std::optional<fs::path> end_of_links(const fs::path& path) {
  constexpr int kMostLinks = 40;  // the kernel's own limit
  fs::path at = path;
  for (int i = 0; i < kMostLinks; ++i) {
    if (at.native().starts_with("/proc/")) return std::nullopt;
    std::error_code error;
    const fs::path next = fs::read_symlink(at, error);
    if (error) return at;
    at = next.is_absolute() ? next : at.parent_path() / next;
  }
  throw Error(show_path(path) + ": its links go in a circle");
}

}  // namespace

void write_output_file(const fs::path& path, std::string_view bytes) {
  const std::optional<fs::path> target = end_of_links(path);
  std::error_code ignored;
  const fs::file_status status = fs::status(target.value_or(path), ignored);
  if (fs::is_directory(status)) throw Error(show_path(path) + " is a folder, not a file");
  const bool regular = fs::is_regular_file(status);
  if (target && (regular || status.type() == fs::file_type::not_found)) {
    return write_file_atomic(*target, bytes);
  }
  const Descriptor fd(open_file(path, O_WRONLY | (regular ? O_TRUNC : 0)));
  if (fd.get() < 0) fail(path, "open for writing");
  if (!write_all(fd.get(), bytes)) fail(path, "write");
}

void make_folder(const fs::path& folder) {
  if (folder.empty()) return;
  std::error_code reason, ignored;
  fs::create_directories(folder, reason);
  if (fs::is_directory(folder, ignored)) return;
  if (fs::exists(folder, ignored)) {
    throw UsageError(show_path(folder) + " is a file, but a folder is needed: give another name");
  }
  throw Error(show_path(folder) + ": the folder cannot be made: " + reason.message());
}

AppendFile::AppendFile(const fs::path& path, uint64_t keep) : path_(path) {
  Descriptor fd(open_file(path, O_WRONLY | O_CREAT | O_NOFOLLOW));
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

MappedFile::MappedFile(const fs::path& path) {
  Descriptor fd(open_file(path, O_RDONLY));
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
  std::error_code error;
  const fs::path above = fs::temp_directory_path(error);
  if (error) {
    const char* given = std::getenv("TMPDIR");
    throw Error("the folder for temporary files cannot be used: " + error.message() +
                "; set TMPDIR to a folder that is there" +
                (given == nullptr ? "" : " (it is " + quote(given) + " now)"));
  }
  std::string pattern = (above / prefix).string() + ".XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) fail(pattern, "make the temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace popaug
