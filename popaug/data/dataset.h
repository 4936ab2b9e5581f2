// Labelled images, whatever they came from.
#ifndef POPAUG_DATA_DATASET_H_
#define POPAUG_DATA_DATASET_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/image/image.h"

namespace popaug {

// One split: `count` images of one size, bytes HWC, 1 (grey) or 3 channels, and their labels.
// Held in memory or mapped from a packed file; a copy shares the storage.
struct Split {
  std::string name;  // "train", "val", "test"
  int width = 0, height = 0, channels = 3;
  std::shared_ptr<const void> storage;  // keeps `pixels` alive
  std::span<const uint8_t> pixels;      // [count * height * width * channels]
  std::vector<uint32_t> labels;         // [count], index into classes
  std::vector<std::string> groups;      // [count] or empty
  std::span<const uint8_t> digests;     // 16 bytes an image, where a packed file records them
  size_t count() const { return labels.size(); }
  size_t image_bytes() const { return size_t{1} * width * height * channels; }
};

struct Dataset {
  std::string path;
  std::string kind;  // "folder", "manifest", "idx", "cifar", "svhn", "npz", "packed"
  std::vector<std::string> classes;  // names, in label order
  std::vector<Split> splits;         // those the source gives
  std::vector<std::string> notes;    // what reading did: sentences for the user
  std::string known_fingerprint;     // of a packed file, which records it; else empty
  const Split* find(std::string_view split) const;  // nullptr if absent
};

struct ReadOptions {
  int width = 0, height = 0;     // resize to this; 0: as they are (all must then be equal)
  bool scaled_decoding = false;  // JPEGs by load_image_scaled: faster, other pixels
  int threads = 0;               // 0: all cores
  uint64_t memory_limit = uint64_t{8} << 30;  // bytes held; larger sets must be packed first
  bool allow_outside = false;                 // a manifest may name files outside its folder
};

// Any supported set, recognised by content (docs/formats/data.md). Throws Error for what cannot be
// read whole: never silently fewer images.
Dataset read_dataset(const fs::path& path, const ReadOptions& options = {},
                     Progress& progress = silent_progress());

// Hash of classes, sizes, labels and pixels of all splits: recorded in runs and schedules.
std::string fingerprint(const Dataset& data);
// Hash of the sizes and pixels of one split, whatever set it stands in and whatever its name: tells
// whether a search trained on what now tests.
std::string fingerprint(const Split& split);

struct ChannelStatistics {
  std::vector<double> mean, std;  // per channel, 0..1 scale, population standard deviation
};
// Exact over the listed images (integer sums).
ChannelStatistics channel_statistics(const Split& split, std::span<const uint32_t> indices);

// Image `i` of a split, opaque; grey images get equal channels.
Image split_image(const Split& split, size_t i);
// The name of image `i` in messages: its split and number, "train[17]".
std::string image_label(const Split& split, size_t i);

// "32" or "64x48" (width x height). Throws UsageError for anything else or a side over 16384.
struct Size {
  int width = 0, height = 0;
};
Size parse_size(std::string_view text);

// The images of a path, in order of their names: an image file itself; a folder and its subfolders
// (text files and hidden files are passed over); a text file that lists one image a line,
// relative to its own folder. Throws Error if there are none, or a listed one is missing.
std::vector<fs::path> list_images(const fs::path& path);

}  // namespace popaug

#endif  // POPAUG_DATA_DATASET_H_
