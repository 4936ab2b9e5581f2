// Where the arrays of an opened set are kept, within a limit.
#ifndef POPAUG_DATA_INTERNAL_MEMORY_H_
#define POPAUG_DATA_INTERNAL_MEMORY_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "popaug/base/base.h"

namespace popaug::source {

// Not thread safe.
class Memory {
 public:
  // What exceeds `limit` bytes goes to a file without a name in folder `spill`, mapped; without a
  // folder it is refused.
  explicit Memory(uint64_t limit, fs::path spill = {});

  // Bytes to write to, kept as long as `keeper` is.
  struct Block {
    std::shared_ptr<void> keeper;
    std::span<uint8_t> bytes;
    std::string_view text() const {
      return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
  };
  // Throws Error, naming `origin` and the command that packs it, if so many bytes more are over
  // the limit and may not go to a file; or if there is no room for that file.
  Block take(uint64_t bytes, const std::string& origin);

 private:
  uint64_t limit_;
  fs::path spill_;
  std::shared_ptr<uint64_t> held_;  // by the blocks that are alive
};

// A file as text, mapped; `keeper` keeps it.
struct MappedText {
  explicit MappedText(const fs::path& path)
      : keeper(std::make_shared<MappedFile>(path)),
        text(reinterpret_cast<const char*>(keeper->bytes().data()), keeper->bytes().size()) {}
  std::shared_ptr<const MappedFile> keeper;
  std::string_view text;
};

// The files of a split that are there, mapped, with their names for messages.
struct MappedFiles {
  explicit MappedFiles(const std::vector<fs::path>& paths);
  std::vector<MappedText> maps;
  std::vector<std::string_view> texts;  // of `maps`, in order
  std::vector<std::string> origins;
};

}  // namespace popaug::source

#endif  // POPAUG_DATA_INTERNAL_MEMORY_H_
