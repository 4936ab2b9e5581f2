// The door of room data: labelled images, whatever they came from.
#ifndef POPAUG_DATA_DATA_H_
#define POPAUG_DATA_DATA_H_

#include <cstdint>
#include <memory>
#include <optional>
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
  int width = 0, height = 0;  // resize to this; 0: as they are (all must then be equal)
  int threads = 0;            // 0: all cores
  uint64_t memory_limit = uint64_t{8} << 30;  // bytes held; larger sets must be packed first
  bool allow_outside = false;                 // a manifest may name files outside its folder
};

// Any supported set, recognised by content (docs/formats/data.md). Throws Error for what cannot be
// read whole: never silently fewer images.
Dataset read_dataset(const fs::path& path, const ReadOptions& options = {},
                     Progress& progress = silent_progress());

// Hash of classes, sizes, labels and pixels of all splits: recorded in runs and schedules.
std::string fingerprint(const Dataset& data);

// Indices into a split: what trains and what validates.
struct SplitPlan {
  std::vector<uint32_t> train;
  std::vector<uint32_t> validation;
};

// `train_size` and `val_size` images, disjoint, stratified by label (each class in its share, the
// remainder by largest fraction), drawn by seed. Groups, where present, never stand on both sides.
// Throws UsageError if the split holds too few, or a class cannot be on both sides.
SplitPlan stratified_split(const Split& split, size_t train_size, size_t val_size, uint64_t seed);

struct ChannelStatistics {
  std::vector<double> mean, std;  // per channel, 0..1 scale, population standard deviation
};
// Exact over the listed images (integer sums).
ChannelStatistics channel_statistics(const Split& split, std::span<const uint32_t> indices);

}  // namespace popaug

#endif  // POPAUG_DATA_DATA_H_
