#include "popaug/data/internal/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace popaug::source {
namespace {

// A file that has lost its name, so that nothing of it stays whatever happens; its pages go to the
// disk when memory is short.
class SpillFile {
 public:
  SpillFile(const fs::path& folder, uint64_t bytes) : size_(bytes) {
    std::string name = (folder / ".popaug-spill-XXXXXX").native();
    const int fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd < 0) fail(folder, errno);
    ::unlink(name.c_str());
    // Room for all of it now: a full disk met by a write to the map would end the process.
    const int code =
        failpoint("spill.allocate") ? ENOSPC : ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
    void* map = MAP_FAILED;
    if (code == 0) map = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    const int reason = code != 0 ? code : errno;
    ::close(fd);
    if (map == MAP_FAILED) fail(folder, reason);
    data_ = static_cast<uint8_t*>(map);
  }
  ~SpillFile() { ::munmap(data_, size_); }
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;
  uint8_t* data() { return data_; }

 private:
  [[noreturn]] void fail(const fs::path& folder, int reason) const {
    throw Error(show_path(folder) + ": cannot make room for a temporary file of " +
                bytes_text(static_cast<double>(size_)) + ": " + std::strerror(reason) +
                ". Free some space there, or write to another folder");
  }
  size_t size_;
  uint8_t* data_ = nullptr;
};

}  // namespace

Memory::Memory(uint64_t limit, fs::path spill)
    : limit_(limit), spill_(std::move(spill)), held_(std::make_shared<uint64_t>(0)) {}

Memory::Block Memory::take(uint64_t bytes, const std::string& origin) {
  if (bytes <= limit_ - std::min(limit_, *held_)) {
    *held_ += bytes;
    std::shared_ptr<uint8_t> keeper(new uint8_t[bytes], [held = held_, bytes](const uint8_t* data) {
      delete[] data;
      *held -= bytes;
    });
    return {keeper, {keeper.get(), bytes}};
  }
  if (spill_.empty()) {
    const auto text = [](uint64_t size) { return bytes_text(static_cast<double>(size)); };
    throw Error(origin + ": its arrays take " + text(*held_ + bytes) + ", more than the limit of " +
                text(limit_) +
                ". Pack the set once, then use the packed file, which is mapped instead of loaded: "
                "popaug data convert --data " +
                shell_path(origin) + " -o set.popaug");
  }
  const auto file = std::make_shared<SpillFile>(spill_, bytes);
  return {file, {file->data(), bytes}};
}

MappedFiles::MappedFiles(const std::vector<fs::path>& paths) {
  for (const fs::path& path : paths) {
    if (!fs::exists(path)) continue;
    texts.push_back(maps.emplace_back(path).text);
    origins.push_back(show_path(path));
  }
}

}  // namespace popaug::source
