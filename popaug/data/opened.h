// Sets that are opened but not decoded: for loaders, which decode an image when they need it.
#ifndef POPAUG_DATA_OPENED_H_
#define POPAUG_DATA_OPENED_H_

#include <string>
#include <vector>

#include "popaug/data/dataset.h"

namespace popaug {

// `images` has the name, the labels and the groups; its pixels and its size too, if `files` is
// empty.
struct OpenedSplit {
  ImageSet images;
  std::vector<fs::path> files;  // one for each image, or empty
};

struct OpenedDataset {
  std::string path, kind;  // as in Dataset
  std::vector<std::string> classes, notes, left_out;
  std::vector<OpenedSplit> splits;
  DecodeRules rules;  // of the files; a range "auto" is settled
};

// Any set that read_dataset() reads. Its files are decoded here only to find those that cannot be
// read (options.keep_going) or their range of samples (options.auto_range). The size of `options`
// has no effect.
OpenedDataset open_dataset(const fs::path& path, const ReadOptions& options = {},
                           Progress& progress = silent_progress());

}  // namespace popaug

#endif  // POPAUG_DATA_OPENED_H_
