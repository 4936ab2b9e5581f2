// An opened set before its pixels are decoded. A reader opens; load.cc
// decodes into memory, pack.cc into a packed file, verify.cc one by one.
#ifndef POPAUG_DATA_INTERNAL_SOURCE_H_
#define POPAUG_DATA_INTERNAL_SOURCE_H_

#include <map>
#include <mutex>

#include "popaug/data/data.h"
#include "popaug/data/internal/memory.h"

namespace popaug::source {

// Images of a split: in files, one each (`split` then has labels and groups, but no size and no
// pixels), or in memory (`files` is empty).
struct SourceSplit {
  ImageSet split;
  std::vector<fs::path> files;
  std::vector<size_t> lines;         // of a manifest: where each file is named
  std::span<const uint8_t> digests;  // 16 bytes an image where the source records them
  size_t count() const { return split.count(); }
};

struct Source {
  std::string path, kind;  // the path as messages show it
  fs::path place;          // the path itself
  std::vector<std::string> classes;
  std::vector<SourceSplit> splits;
  std::vector<std::string> notes;
  std::vector<std::string> guesses;   // of the notes, those about a layout that names leave open
  std::vector<std::string> left_out;  // by --keep-going: why, with the file's name
  std::string fingerprint;            // known without reading the pixels, or empty
  size_t count() const;
};

// Opens any supported set. Of the options, those about manifests are used. What a set has as arrays
// is mapped where the file holds it as pixels, else taken from `memory`.
Source open(const fs::path& path, const ReadOptions& options, Memory& memory);

// The readers: one file each.
Source open_folder(const fs::path& folder);
// `wanted`: one file of the set, where the folder holds several; or empty.
Source open_idx(const fs::path& folder, const fs::path& wanted, Memory& memory);
Source open_manifest(const fs::path& file, const ReadOptions& options);
Source open_cifar(const fs::path& folder, Memory& memory);
// Its Python version: cifar-10-batches-py and cifar-100-python.
Source open_cifar_python(const fs::path& folder, Memory& memory);
Source open_svhn(const fs::path& folder, Memory& memory);
Source open_npz(const fs::path& file, Memory& memory);
Source open_packed(const fs::path& file);

// What they make of bytes, without touching files: fuzzed.
// The paths of a manifest stay as written. `classes` are of classes.txt, or empty.
Source parse_manifest(std::string_view bytes, const fs::path& file,
                      std::vector<std::string> classes, const ReadOptions& options = {});
// Pixels that need no inflating stay where they are, in `images`; the split's storage is then null.
SourceSplit parse_idx(std::string_view images, std::string_view labels,
                      const std::string& images_origin, const std::string& labels_origin,
                      const std::string& name, Memory& memory);
// `label_bytes`: 1 in CIFAR-10, 2 in CIFAR-100.
SourceSplit parse_cifar(const std::vector<std::string_view>& files,
                        const std::vector<std::string>& origins, size_t label_bytes,
                        const std::string& name, Memory& memory);
// One file of the Python version: images, and labels by `key`, which are checked to be below
// `classes`.
SourceSplit parse_cifar_python(const std::vector<std::string_view>& files,
                               const std::vector<std::string>& origins, const std::string& key,
                               size_t classes, const std::string& name, Memory& memory);
SourceSplit parse_svhn(std::string_view file, const std::string& origin, const std::string& name,
                       Memory& memory);
// `names` are of classes.txt, or empty.
Source parse_npz(std::string_view bytes, const std::string& origin, Memory& memory,
                 const std::vector<std::string>& names = {}, const std::string& names_origin = "");
// `storage` keeps the bytes alive.
Source open_packed(std::span<const uint8_t> bytes, const std::shared_ptr<const void>& storage,
                   const std::string& origin);

// True if the folder holds such a set, by the names of its files.
bool is_idx_folder(const fs::path& folder);
bool is_cifar_folder(const fs::path& folder);
bool is_cifar_python_folder(const fs::path& folder);
// True if a file is one of those that such a folder has, by its name.
bool is_cifar_file(const fs::path& file);
bool is_svhn_folder(const fs::path& folder);
// True if a file begins as such a set does.
bool is_packed(std::string_view begin);
bool is_mat(std::string_view begin);
bool is_idx(std::string_view begin);

// train, then val, then test, then the others by name.
void sort_splits(std::vector<SourceSplit>& splits);
// "0".."count-1".
std::vector<std::string> number_names(size_t count);

// What both versions of CIFAR share: the names of CIFAR-10, and its training batches in order, all
// or none. Throws Error if some are missing.
std::vector<std::string> cifar10_names();
std::vector<fs::path> cifar10_batches(const fs::path& folder, const std::string& ending);

// A name that may stand in any file or table: as it is, or with control characters and bytes that
// are not UTF-8 written as escapes (\\xff).
std::string clean_name(const std::string& name);
// The name of an image in messages: its file below the set's folder, or "train[17]".
std::string image_name(const Source& source, const SourceSplit& split, size_t i);

// What class_findings() says of the set.
std::vector<Finding> class_findings(const Source& source);

// What images met while they were decoded, gathered into sentences. Thread safe.
class Notes {
 public:
  void add(const DecodeInfo& info, const fs::path& file);
  std::vector<std::string> sentences() const;

 private:
  size_t grey_ = 0, colour_ = 0;
  struct Entry {
    size_t count = 0;
    fs::path first;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

// With options.auto_range: decodes the images in files and sets options.rules to the range of their
// 16-bit samples; notes it. Without such samples the range stays as it is.
void settle_range(Source& source, ReadOptions& options, Progress& progress);

// An image file that cannot be read, or of which some pixels would be guessed.
struct UnreadableImage : Error {
  using Error::Error;
};
// Takes the command that converts the files of a folder out of sentences about its files, and
// returns it once, for all folders under `path`; "" if no sentence has one.
std::string take_conversion(std::vector<std::string>& sentences, const std::string& path);
// Decodes every file of the set and throws Error with the names of all that cannot be read; or
// `first` if all can by now.
[[noreturn]] void refuse_unreadable(const Source& source, const ReadOptions& options,
                                    Progress& progress, const UnreadableImage& first);

// With options.keep_going: decodes every file and takes those out that cannot be read. Throws Error
// if none is left.
void leave_out_unreadable(Source& source, const ReadOptions& options, Progress& progress);
// The sentence about them, or "".
std::string left_out_note(const std::vector<std::string>& left_out);

// The image of index `i`, brought to the size if one is asked for. Throws UnreadableImage.
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
// Packs an opened set (popaug/data/packed.h).
PackReport pack_source(Source source, const fs::path& out, const ReadOptions& options,
                       Progress& progress, const StopToken& stop);
// How the images of a split are read by `options`, whose range is settled; of a set that comes as
// arrays, how they were read when it was packed.
ImageReading reading_of(const SourceSplit& split, const ReadOptions& options);
// Decodes everything into memory.
Dataset load(Source source, const ReadOptions& options, Progress& progress);

}  // namespace popaug::source

#endif  // POPAUG_DATA_INTERNAL_SOURCE_H_
