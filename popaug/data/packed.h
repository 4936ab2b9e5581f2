// Packed sets: one file, mapped instead of held (docs/formats/packed.md).
#ifndef POPAUG_DATA_PACKED_H_
#define POPAUG_DATA_PACKED_H_

#include "popaug/data/dataset.h"

namespace popaug {

struct PackReport {
  uint64_t images = 0;
  uint64_t resumed = 0;  // of these, packed by an earlier call that was stopped
  uint64_t bytes = 0;    // of the file
  std::vector<std::string> notes;
  std::vector<std::string> left_out;  // by ReadOptions::keep_going
};

// Packs any readable set into `out` (resized if options ask). Works in blocks beside the file, in
// OUT.partial and OUT.partial.journal; a stopped or killed call is resumed by the next one, as
// long as the source and the options are the same. Throws Error if `out` exists; throws
// Interrupted soon after `stop`.
PackReport pack_dataset(const fs::path& path, const fs::path& out, const ReadOptions& options,
                        Progress& progress, const StopToken& stop);

}  // namespace popaug

#endif  // POPAUG_DATA_PACKED_H_
