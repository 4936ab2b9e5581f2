// Labelled images, whatever they came from.
#ifndef POPAUG_DATA_DATASET_H_
#define POPAUG_DATA_DATASET_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/image/image.h"

namespace popaug {

// How image files became pixels, in the words of the settings "fit", "range" and "background". A
// checkpoint records it, so that other images are read alike.
struct ImageReading {
  std::string fit = "stretch", range = "full", background = "black";
  bool operator==(const ImageReading&) const = default;
};

// One split: `count` images of one size, bytes HWC, 1 (grey) or 3 channels, and their labels.
// Held in memory or mapped from a packed file; a copy shares the storage.
struct ImageSet {
  std::string name;  // "train", "val", "test"
  int width = 0, height = 0, channels = 3;
  std::shared_ptr<const void> storage;  // keeps `pixels` alive
  std::span<const uint8_t> pixels;      // [count * height * width * channels]
  std::vector<uint32_t> labels;         // [count], index into classes
  std::vector<std::string> groups;      // [count] or empty
  std::span<const uint8_t> digests;     // 16 bytes an image, where a packed file records them
  ImageReading reading = {};            // of what came from image files
  // The same images at another, larger size, from which random resized crops are cut
  // (ReadOptions::detail); empty where `pixels` have to do. Not part of any fingerprint.
  int detail_width = 0, detail_height = 0;
  std::shared_ptr<const void> detail_storage;
  std::span<const uint8_t> detail;
  size_t count() const { return labels.size(); }
  size_t image_bytes() const { return size_t{1} * width * height * channels; }
};

struct Dataset {
  std::string path;
  std::string kind;  // "folder", "manifest", "idx", "cifar", "svhn", "npz", "packed"
  std::vector<std::string> classes;   // names, in label order
  std::vector<ImageSet> splits;       // those the source gives
  std::vector<std::string> notes;     // what reading did: sentences for the user
  std::vector<std::string> left_out;  // by ReadOptions::keep_going: why, with the name of the file
  std::string known_fingerprint;      // of a packed file, which records it; else empty
  const ImageSet* find(std::string_view split) const;  // nullptr if absent
  const ImageSet* train_or_first() const;  // the split "train", else the first; nullptr if no split
};

struct ReadOptions {
  int width = 0, height = 0;     // resize to this; 0: as they are (all must then be equal)
  Fit fit = Fit::kStretch;       // ... in this way
  bool scaled_decoding = false;  // JPEGs by load_image_scaled: faster, other pixels
  // Above 1, with a size: holds the images this many times as large too (ImageSet::detail), less
  // where that would take more than detail_limit bytes.
  double detail = 1;
  uint64_t detail_limit = uint64_t{2} << 30;
  int threads = 0;                            // 0: all cores
  uint64_t memory_limit = uint64_t{8} << 30;  // bytes held; larger sets must be packed first
  DecodeRules rules = {};                     // of 16-bit samples and transparent pixels
  // rules.low and rules.high become the least and the largest sample of the set.
  bool auto_range = false;
  bool keep_going = false;  // leave out images that cannot be read or are not there
  // Of manifests.
  bool allow_outside = false;  // files outside the manifest's folder may be named
  // By name, or by number from 1; "": the usual names.
  std::string image_column = {}, label_column = {};
};

// Any supported set, recognised by content (docs/formats/data.md). Throws Error for what cannot be
// read whole: never silently fewer images, and fewer at all only with `keep_going`.
Dataset read_dataset(const fs::path& path, const ReadOptions& options = {},
                     Progress& progress = silent_progress());

// Hash of classes, sizes, labels and pixels of all splits: recorded in runs and schedules.
std::string fingerprint(const Dataset& data);
// Hash of the sizes and pixels of one split, whatever set it stands in and whatever its name: tells
// whether a search trained on what now tests.
std::string fingerprint(const ImageSet& split);

// Throws UsageError for a set that nothing can be learned from: training images of one class only,
// or a class without training images whose name looks like that of another that has some. Every
// verb that trains asks; less is said in the notes.
void check_trainable(const Dataset& data);

// The first image of each class, then the second of each, and so on, up to `wanted` images: what to
// show of a split whose labels are of `classes` classes.
std::vector<uint32_t> classes_in_turn(const ImageSet& split, size_t classes, size_t wanted);

struct ChannelStatistics {
  std::vector<double> mean, std;  // per channel, 0..1 scale, population standard deviation
};
// Exact over the listed images (integer sums).
ChannelStatistics channel_statistics(const ImageSet& split, std::span<const uint32_t> indices);

// What a network takes: its classes in the order of its outputs, and 1 or 3 channels.
struct NetworkInput {
  std::vector<std::string> classes;
  int channels = 3;
  std::string name;  // in messages: "the network run/best.safetensors"
};
// The images of a split (whose labels are of `classes`) with the labels and channels of a network:
// classes are matched by name, whatever their order, and a set may have some of them only. Grey
// images become three equal channels, colour ones grey_value(). What is changed goes to `notes`.
// Throws Error for images of a class that the network does not know.
ImageSet fit_to_network(const ImageSet& split, const std::vector<std::string>& classes,
                        const NetworkInput& network, std::vector<std::string>* notes);
// The grey value of a pixel: the weights of ITU-R 601-2, in Pillow's integers.
uint8_t grey_value(const uint8_t* rgb);

// Image `i` of a split, opaque; grey images get equal channels.
Image split_image(const ImageSet& split, size_t i);
// The name of image `i` in messages: its split and number, "train[17]".
std::string image_label(const ImageSet& split, size_t i);

// "32" or "64x48" (width x height). Throws UsageError for anything else or a side over 16384.
struct Size {
  int width = 0, height = 0;
};
Size parse_size(std::string_view text);

// "full" (0 .. 65535), "auto" or "LO..HI": which 16-bit samples become 0 and 255. Throws
// UsageError.
void parse_range(std::string_view text, ReadOptions& options);
// The fit, range and background of `options`, as words; and from such words. The range "auto" must
// have been settled. Throws UsageError.
ImageReading image_reading(const ReadOptions& options);
void apply_reading(const ImageReading& reading, ReadOptions& options);
// "black", "white", "grey" or "#rrggbb". Throws UsageError.
std::array<uint8_t, 3> parse_background(std::string_view text);

// The images of a path, in order of their names: an image file itself; a folder and its subfolders
// (hidden files are ignored, other files that are not images are named in `notes`); a text file
// that lists one image a line, relative to its own folder. Throws Error if there are none, or a
// listed one is missing.
std::vector<fs::path> list_images(const fs::path& path, std::vector<std::string>* notes = nullptr);

}  // namespace popaug

#endif  // POPAUG_DATA_DATASET_H_
