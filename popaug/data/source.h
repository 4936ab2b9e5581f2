// Private to room data: an opened set before its pixels are decoded. A reader opens; load.cc
// decodes into memory, convert.cc into a packed file, verify.cc one by one.
#ifndef POPAUG_DATA_SOURCE_H_
#define POPAUG_DATA_SOURCE_H_

#include <map>
#include <mutex>

#include "popaug/data/data.h"

namespace popaug::source {

// Images of a split: in files, one each (`split` then has labels and groups, but no size and no
// pixels), or in memory (`files` is empty).
struct SourceSplit {
  Split split;
  std::vector<fs::path> files;
  size_t count() const { return split.count(); }
};

struct Source {
  std::string path, kind;
  std::vector<std::string> classes;
  std::vector<SourceSplit> splits;
  std::vector<std::string> notes;
  std::string fingerprint;  // known without reading the pixels, or empty
};

// Opens any supported set. `options.width`, `height` and `threads` are not used.
Source open(const fs::path& path, const ReadOptions& options);

// The readers: one file each.
Source open_folder(const fs::path& folder);
Source open_idx(const fs::path& folder);

// True if the folder holds such a set, by the names of its files.
bool is_idx_folder(const fs::path& folder);

// "train", "val" or "test" for the names that people use ("training", "t10k", "valid"), or "".
std::string split_name(std::string_view word);
// train, then val, then test, then the others by name.
void sort_splits(std::vector<SourceSplit>& splits);
// classes.txt in `folder`, one name a line, or nothing. Throws Error for empty or repeated names.
std::vector<std::string> class_file(const fs::path& folder);
// "0".."count-1".
std::vector<std::string> number_names(size_t count);

// What images met while they were decoded, gathered into sentences. Thread safe.
class Notes {
 public:
  void add(const DecodeInfo& info, const fs::path& file);
  std::vector<std::string> sentences() const;

 private:
  struct Entry {
    size_t count = 0;
    fs::path first;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

// The image of index `i`, resized if a size is asked for.
Image image_of(const SourceSplit& split, size_t i, const ReadOptions& options, DecodeInfo* info);
// Writes the pixels as 1 or 3 channels.
void store(const Image& image, int channels, uint8_t* out);

// The one size and number of channels that all images have, or will have by `options`: known of
// the first image, and asked of each.
struct Shape {
  int width = 0, height = 0, channels = 3;
};
// Throws Error if the image of `file` is not of `shape`; `first` names where the shape comes from.
void check_shape(const Image& image, const Shape& shape, const fs::path& file,
                 const fs::path& first);

// Decodes everything into memory.
Dataset load(Source source, const ReadOptions& options, Progress& progress);

}  // namespace popaug::source

#endif  // POPAUG_DATA_SOURCE_H_
