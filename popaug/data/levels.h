// Private to room data: which of the 256 values the pixels of a set have, to find sets in which
// reading left nothing to learn from.
#ifndef POPAUG_DATA_LEVELS_H_
#define POPAUG_DATA_LEVELS_H_

#include <bitset>
#include <cstdint>
#include <span>
#include <vector>

#include "popaug/data/verify.h"

namespace popaug::source {

// The values seen, and whether any came from samples of 16 bits.
struct Levels {
  std::bitset<256> seen;
  bool sixteen_bits = false;

  void add(std::span<const uint8_t> pixels) {
    for (const uint8_t value : pixels) seen.set(value);
  }
  void add(const Levels& other) {
    seen |= other.seen;
    sixteen_bits = sixteen_bits || other.sixteen_bits;
  }
};

// True for the notes of an image with samples of 16 bits.
bool is_sixteen_bits(const std::vector<std::string>& decode_notes);

// "constant": all pixels have one value. "few-levels": 16-bit samples that use so little of their
// range that few values are left.
std::vector<Finding> level_findings(const Levels& levels);

}  // namespace popaug::source

#endif  // POPAUG_DATA_LEVELS_H_
