// Private to room data: which files of a folder are images, which lie beside them, and which are
// left there by operating systems and tools. Every reader of folders asks here.
#ifndef POPAUG_DATA_FILES_H_
#define POPAUG_DATA_FILES_H_

#include <string>
#include <string_view>
#include <vector>

#include "popaug/base/base.h"

namespace popaug::source {

struct Entry {
  fs::path path;
  bool folder = false;
};

// The entries of a folder in order of their names, without junk; links are followed. Throws Error
// for a link that leads nowhere and for what is neither a file nor a folder.
std::vector<Entry> list_folder(const fs::path& folder);

// What no user put there: hidden files, __MACOSX, Thumbs.db, @eaDir and the like. Never noted.
bool is_junk(std::string_view name);

// By the ending of its name (".jpg", ".PNG", ".webp"), whether or not popaug reads the format.
bool named_as_image(const fs::path& path);
inline constexpr std::string_view kImageEndings = "jpg, jpeg, png, ...";

// True for a file that must be an image: one that is named so, or one that begins as an image does
// although its name says nothing (no ending, or one that is not known). Files that other tools
// leave beside images (".txt", ".npy", ".cache", ".bak" ...) are not images, whatever they contain.
bool is_image(const fs::path& path);

// A table that might hold labels: .csv, .tsv, .jsonl, .parquet, .xlsx.
bool named_as_table(const fs::path& path);

// Files that were skipped, gathered into one sentence that names the first of them.
class SideFiles {
 public:
  explicit SideFiles(fs::path root) : root_(std::move(root)) {}
  void add(const fs::path& file);
  // "" if there were none.
  std::string sentence() const;

 private:
  fs::path root_;
  size_t count_ = 0;
  std::vector<std::string> first_;
};

// The images of a folder and all folders below, in order of their names. Throws Error for a link
// back to a folder above, and for a folder that is named as an image.
std::vector<fs::path> images_below(const fs::path& folder, SideFiles& sides);

// True if the folder or one below holds an image; stops at the first.
bool holds_images(const fs::path& folder);

}  // namespace popaug::source

#endif  // POPAUG_DATA_FILES_H_
