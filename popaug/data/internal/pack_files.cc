#include "popaug/data/internal/pack_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

namespace popaug {
namespace {

constexpr std::string_view kPlan = "plan ";
constexpr std::string_view kHexDigits = "0123456789abcdef";

// The first bytes of a regular file; "" where there is no file. Throws Error for a link, a FIFO and
// everything else.
std::string beginning_of(const fs::path& path) {
  const fs::file_status status = fs::symlink_status(path);
  if (!fs::exists(status)) return "";
  if (!fs::is_regular_file(status)) {
    throw Error(show_path(path) +
                " is not a regular file, so it is not what a stopped conversion " +
                "left; give another name or remove it");
  }
  std::string bytes(64, '\0');
  std::ifstream in(path, std::ios::binary);
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(in.gcount()));
  return bytes;
}

// Whether a text may be the beginning of a BlockJournal, which a kill may have cut anywhere.
bool is_journal(std::string_view text) {
  std::string_view line = text.substr(0, text.find('\n'));
  if (kPlan.starts_with(line)) return line.size() == text.size();
  if (!line.starts_with(kPlan)) return false;
  line.remove_prefix(kPlan.size());
  return line.size() <= hash_hex("").size() &&
         line.find_first_not_of(kHexDigits) == std::string_view::npos;
}

}  // namespace

PartialFile::PartialFile(const fs::path& path) : path_(path) {
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd_ < 0) fail("open for writing");
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd_);
    throw Error(show_path(path) + " is being written by another process; wait for it");
  }
}

PartialFile::~PartialFile() { ::close(fd_); }

void PartialFile::reserve(uint64_t bytes) {
  const int code = ::posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
  if (code != 0 || failpoint("pack.allocate")) {
    errno = code != 0 ? code : ENOSPC;
    fail("make room for " + bytes_text(static_cast<double>(bytes)));
  }
}

void PartialFile::write(uint64_t offset, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = failpoint("pack.write")
                          ? -1
                          : ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write");
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
}

void PartialFile::sync() {
  if (::fdatasync(fd_) != 0) fail("sync");
}

void PartialFile::cut(uint64_t bytes) {
  if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) fail("cut");
}

void PartialFile::fail(const std::string& doing) {
  const std::string reason = std::strerror(errno);
  throw Error(show_path(path_) + ": cannot " + doing + ": " + reason +
              ". What is packed so far is kept: run the same command again to continue");
}

BlockJournal::BlockJournal(const fs::path& path, const std::string& plan) : plan_(plan) {
  const std::string first = std::string(kPlan) + plan + "\n";
  const std::string text = fs::exists(path) ? read_file(path) : "";
  uint64_t keep = 0;
  if (text.starts_with(first)) {
    keep = text.rfind('\n') + 1;  // a torn last line is dropped
    for (const std::string& line : split(text.substr(first.size(), keep - first.size()), '\n')) {
      take(line);
    }
  }
  file_.emplace(path, keep);
  if (keep == 0) file_->append(first);
}

// A line that is damaged costs its block, which is packed again.
void BlockJournal::take(const std::string& line) {
  uint64_t block = 0;
  constexpr std::string_view kBlock = "block ";
  if (!line.starts_with(kBlock)) return;
  std::from_chars(line.data() + kBlock.size(), line.data() + line.size(), block);
  if (line == line_of(block)) done_.insert(block);
}

std::string BlockJournal::line_of(uint64_t block) const {
  const std::string line = "block " + std::to_string(block);
  return line + " " + hash_hex(plan_ + line).substr(0, 8);
}

void refuse_foreign_files(const fs::path& partial, const fs::path& journal) {
  const std::string packed = beginning_of(partial), blocks = beginning_of(journal);
  const auto refuse = [](const fs::path& path) {
    throw Error(show_path(path) +
                " is not what a stopped conversion left, and is not overwritten; " +
                "give another name or remove it");
  };
  if (!is_journal(blocks)) refuse(journal);
  // The journal begins before the file has a byte.
  if (!packed.empty() && blocks.empty()) refuse(partial);
}

}  // namespace popaug
