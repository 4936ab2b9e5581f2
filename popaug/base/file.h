// Files that survive a kill: written under a temporary name, synced, renamed.
#ifndef POPAUG_BASE_FILE_H_
#define POPAUG_BASE_FILE_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace popaug {

namespace fs = std::filesystem;

// The whole file. Throws Error naming the path if it cannot be read, is a directory, or is larger
// than `limit` bytes.
std::string read_file(const fs::path& path, uint64_t limit = uint64_t{1} << 31);

// Replaces `path` by `bytes`, all or nothing: writes a temporary file in the same folder (its name
// starts with '.' and ends in ".tmp"), syncs it, renames it over, syncs the folder. On failure
// (full disk, read-only folder) the temporary file is removed, the old file is whole, and an Error
// names the path and the system's reason. Failpoints: "file.write", "file.sync", "file.rename".
void write_file_atomic(const fs::path& path, std::string_view bytes);

// Writes a file that the user named (-o FILE). A regular file is replaced as write_file_atomic()
// does; a link to one stays a link. A device or a FIFO is written through and never replaced. Files
// inside a run directory are not named by the user: write_file_atomic() never follows a link.
void write_output_file(const fs::path& path, std::string_view bytes);

// Makes the folder and those above it where they are missing. Throws Error with the path and the
// reason, such as a file that is in the way.
void make_folder(const fs::path& folder);

// Makes a rename, creation or deletion inside `folder` durable.
void sync_folder(const fs::path& folder);

// An append-only file; each append() is durable when it returns (write, then fdatasync).
class AppendFile {
 public:
  // Opens or creates; if the file is longer than `keep` bytes, cuts it to `keep` first.
  AppendFile(const fs::path& path, uint64_t keep);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  // Throws Error on a full disk; what was written of `bytes` is then cut off again if possible.
  // Failpoints: "append.write" (after half of the bytes), "append.sync".
  void append(std::string_view bytes);
  uint64_t size() const { return size_; }

 private:
  fs::path path_;
  int descriptor_;
  uint64_t size_ = 0;
};

// A read-only memory map of a whole file; empty files map to an empty span.
class MappedFile {
 public:
  explicit MappedFile(const fs::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const uint8_t> bytes() const { return {data_, size_}; }

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// A fresh folder under the system's temporary folder, removed with all in it when the value goes.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(std::string_view prefix = "popaug");
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace popaug

#endif  // POPAUG_BASE_FILE_H_
