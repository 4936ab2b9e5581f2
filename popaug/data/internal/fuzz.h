// What the fuzz targets of this room share.
#ifndef POPAUG_DATA_INTERNAL_FUZZ_H_
#define POPAUG_DATA_INTERNAL_FUZZ_H_

#include <cstring>

#include "popaug/data/internal/source.h"

namespace popaug::source {

// Small enough that a target stays fast.
inline Memory fuzz_memory() { return Memory(1 << 22); }

inline std::string_view fuzz_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Two files in one input: four bytes give the length of the first.
inline std::pair<std::string, std::string> fuzz_pair(std::string_view text) {
  uint32_t first = 0;
  if (text.size() < sizeof first) return {};
  std::memcpy(&first, text.data(), sizeof first);
  text.remove_prefix(sizeof first);
  const size_t cut = std::min<size_t>(first, text.size());
  return {std::string(text.substr(0, cut)), std::string(text.substr(cut))};
}

// What every reader promises of a split in memory.
inline void check(const ImageSet& split, size_t classes) {
  POPAUG_ASSERT(split.pixels.size() == split.count() * split.image_bytes());
  POPAUG_ASSERT(split.groups.empty() || split.groups.size() == split.count());
  for (const uint32_t label : split.labels) POPAUG_ASSERT(label < classes);
  unsigned sum = 0;
  for (const uint8_t byte : split.pixels) sum += byte;  // every byte can be read
  POPAUG_ASSERT(sum <= 255u * split.pixels.size());
}

}  // namespace popaug::source

#endif  // POPAUG_DATA_INTERNAL_FUZZ_H_
