#include "popaug/rundir/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <vector>

namespace popaug {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;

// An open regular file; closes itself.
class RegularFile {
 public:
  // Follows no link, and does not wait for the other end of a FIFO.
  explicit RegularFile(const fs::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {
    if (fd_ < 0 || ::fstat(fd_, &status_) != 0) error_ = errno;
  }
  ~RegularFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  int error() const { return error_; }
  bool is_regular() const { return error_ == 0 && S_ISREG(status_.st_mode); }
  uint64_t size() const { return static_cast<uint64_t>(status_.st_size); }

  // Gives all bytes to `take`, piece by piece, until it returns false; false on an error.
  bool read(const std::function<bool(std::string_view)>& take) {
    std::vector<char> block(kBlockBytes);
    while (true) {
      const ssize_t n = ::read(fd_, block.data(), block.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) error_ = errno;
      if (n <= 0) return n == 0;
      if (!take({block.data(), static_cast<size_t>(n)})) return true;
    }
  }

 private:
  int fd_;
  int error_ = 0;
  struct stat status_ {};
};

}  // namespace

std::string read_regular_file(const fs::path& path, uint64_t limit) {
  RegularFile file(path);
  const auto fail = [&] {
    throw Error(show_path(path) + ": cannot read: " + std::strerror(file.error()));
  };
  if (file.error() == ELOOP || (file.error() == 0 && !file.is_regular())) {
    throw Error(show_path(path) + " is not a regular file");
  }
  if (file.error() != 0) fail();
  std::string bytes;
  bytes.reserve(std::min(file.size(), limit));
  const bool good = file.read([&](std::string_view piece) {
    bytes += piece;
    return bytes.size() <= limit;
  });
  if (!good) fail();
  if (bytes.size() > limit) {
    throw Error(show_path(path) + " is larger than the " + std::to_string(limit) +
                " bytes that are read here");
  }
  return bytes;
}

std::optional<std::string> regular_file_checksum(const fs::path& path) {
  RegularFile file(path);
  if (!file.is_regular()) return std::nullopt;
  Hasher hasher;
  uint64_t size = 0;
  const bool good = file.read([&](std::string_view piece) {
    size += piece.size();
    hasher.add(piece);
    return true;
  });
  if (!good || size != file.size()) return std::nullopt;
  return hasher.hex();
}

void refuse_special_file(const fs::path& path) {
  std::error_code error;
  if (fs::is_other(path, error)) {
    throw Error(show_path(path) + " is not a regular file but a FIFO or a device");
  }
}

}  // namespace popaug
