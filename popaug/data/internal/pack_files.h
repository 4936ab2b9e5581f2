// The two files of a conversion that is under way, so that a stopped one can be resumed:
// OUT.partial with what is packed, and a journal of the blocks that are done.
#ifndef POPAUG_DATA_INTERNAL_PACK_FILES_H_
#define POPAUG_DATA_INTERNAL_PACK_FILES_H_

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "popaug/base/base.h"

namespace popaug {

// The unfinished file, held by one process. Errors say that what is packed is kept.
class PartialFile {
 public:
  // Opens or creates it; Error if another process holds it.
  explicit PartialFile(const fs::path& path);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  // Makes room for all of it now, so that a full disk is met before the work and not after it.
  void reserve(uint64_t bytes);
  void write(uint64_t offset, std::span<const uint8_t> bytes);
  template <typename T>
  void write_all(uint64_t offset, const std::vector<T>& items) {
    write(offset, {reinterpret_cast<const uint8_t*>(items.data()), items.size() * sizeof(T)});
  }
  void sync();
  void cut(uint64_t bytes);

 private:
  [[noreturn]] void fail(const std::string& doing);
  fs::path path_;
  int fd_ = -1;
};

// Which blocks are done: a line "plan HASH", then a line "block N CHECK" each, synced.
class BlockJournal {
 public:
  // Takes up the journal of the same plan, without a torn last line; starts anew for another plan.
  BlockJournal(const fs::path& path, const std::string& plan);
  bool has(uint64_t block) const { return done_.contains(block); }
  void add(uint64_t block) { file_->append(line_of(block) + "\n"); }

 private:
  void take(const std::string& line);
  std::string line_of(uint64_t block) const;

  std::string plan_;
  std::set<uint64_t> done_;
  std::optional<AppendFile> file_;
};

// A conversion takes up only files that an earlier one left: Error for a file of the user that has
// such a name, which stays as it is.
void refuse_foreign_files(const fs::path& partial, const fs::path& journal);

}  // namespace popaug

#endif  // POPAUG_DATA_INTERNAL_PACK_FILES_H_
