// Private to room data: an opened set before its pixels are decoded. A reader opens; load.cc
// decodes into memory, convert.cc into a packed file, verify.cc one by one.
#ifndef POPAUG_DATA_SOURCE_H_
#define POPAUG_DATA_SOURCE_H_

#include <map>
#include <mutex>

#include "popaug/data/data.h"
#include "popaug/data/memory.h"

namespace popaug::source {

// Images of a split: in files, one each (`split` then has labels and groups, but no size and no
// pixels), or in memory (`files` is empty).
struct SourceSplit {
  Split split;
  std::vector<fs::path> files;
  std::vector<size_t> lines;         // of a manifest: where each file is named
  std::span<const uint8_t> digests;  // 16 bytes an image where the source records them
  size_t count() const { return split.count(); }
};

struct Source {
  std::string path, kind;
  std::vector<std::string> classes;
  std::vector<SourceSplit> splits;
  std::vector<std::string> notes;
  std::string fingerprint;  // known without reading the pixels, or empty
  size_t count() const;
};

// Opens any supported set. Of the options, only allow_outside is used. What a set has as arrays is
// mapped where the file holds it as pixels, else taken from `memory`.
Source open(const fs::path& path, const ReadOptions& options, Memory& memory);

// The readers: one file each.
Source open_folder(const fs::path& folder);
Source open_idx(const fs::path& folder, Memory& memory);
Source open_manifest(const fs::path& file, const ReadOptions& options);
Source open_cifar(const fs::path& folder, Memory& memory);
Source open_svhn(const fs::path& folder, Memory& memory);
Source open_npz(const fs::path& file, Memory& memory);
Source open_packed(const fs::path& file);

// What they make of bytes, without touching files: fuzzed.
// The paths of a manifest stay as written. `classes` are of classes.txt, or empty.
Source parse_manifest(std::string_view text, const fs::path& file,
                      std::vector<std::string> classes);
// Pixels that need no inflating stay where they are, in `images`; the split's storage is then null.
SourceSplit parse_idx(std::string_view images, std::string_view labels,
                      const std::string& images_origin, const std::string& labels_origin,
                      const std::string& name, Memory& memory);
// `label_bytes`: 1 in CIFAR-10, 2 in CIFAR-100.
SourceSplit parse_cifar(const std::vector<std::string_view>& files,
                        const std::vector<std::string>& origins, size_t label_bytes,
                        const std::string& name, Memory& memory);
SourceSplit parse_svhn(std::string_view file, const std::string& origin, const std::string& name,
                       Memory& memory);
Source parse_npz(std::string_view bytes, const std::string& origin, Memory& memory);
// `storage` keeps the bytes alive.
Source open_packed(std::span<const uint8_t> bytes, const std::shared_ptr<const void>& storage,
                   const std::string& origin);

// The images of a folder and its subfolders by the rules of class folders, in order.
std::vector<fs::path> images_below(const fs::path& folder);

// True if the folder holds such a set, by the names of its files.
bool is_idx_folder(const fs::path& folder);
bool is_cifar_folder(const fs::path& folder);
bool is_svhn_folder(const fs::path& folder);
// True if a file begins as such a set does.
bool is_packed(std::string_view begin);
bool is_mat(std::string_view begin);
bool is_idx(std::string_view begin);

// "train", "val" or "test" for the names that people use ("training", "t10k", "valid"), or "".
std::string split_name(std::string_view word);
// train, then val, then test, then the others by name.
void sort_splits(std::vector<SourceSplit>& splits);
// classes.txt in `folder`, one name a line, or nothing. Throws Error for empty or repeated names.
std::vector<std::string> class_file(const fs::path& folder);
// "0".."count-1".
std::vector<std::string> number_names(size_t count);

// A name that may stand in any file or table: as it is, or with control characters and bytes that
// are no UTF-8 written as escapes (\\xff).
std::string clean_name(const std::string& name);
// The name of an image in messages: its file below the set's folder, or "train[17]".
std::string image_name(const Source& source, const SourceSplit& split, size_t i);

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
// The one size and number of channels that all images have, or will have by `options`: known of
// the first image, and asked of each.
struct Shape {
  int width = 0, height = 0, channels = 3;
  fs::path first;  // the file that it comes from, or empty
};
Shape shape_of(const Source& source, const ReadOptions& options);
// A colour image among grey ones: what was begun in grey is begun again in colour.
struct ColourFound {};
// Decodes image `i` into `out`. Throws ColourFound, or Error if it is broken or of another size.
void decode_into(const SourceSplit& split, size_t i, const Shape& shape, const ReadOptions& options,
                 Notes& notes, uint8_t* out);
extern const char* const kMixedNote;

// Decodes everything into memory.
Dataset load(Source source, const ReadOptions& options, Progress& progress);

}  // namespace popaug::source

#endif  // POPAUG_DATA_SOURCE_H_
