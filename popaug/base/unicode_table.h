// Private to room base: what unicode.cc needs of the Unicode character database.
#ifndef POPAUG_BASE_UNICODE_TABLE_H_
#define POPAUG_BASE_UNICODE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace popaug::unicode {

// One step of a canonical decomposition; `second` is 0 where one code point replaces another.
struct Decomposition {
  uint32_t code, first, second;
  bool composes;  // normalisation to NFC puts the two together again
};
extern const Decomposition kDecompositions[];  // by code
extern const size_t kDecompositionCount;

struct CombiningRun {
  uint32_t first, last;
  uint8_t combining_class;
};
extern const CombiningRun kCombiningRuns[];  // by code
extern const size_t kCombiningRunCount;

// The capital letters first, first + step, ... last, each `distance` before its small letter.
struct LowerRun {
  uint32_t first, last, step;
  int32_t distance;
};
extern const LowerRun kLowerRuns[];  // by code
extern const size_t kLowerRunCount;

}  // namespace popaug::unicode

#endif  // POPAUG_BASE_UNICODE_TABLE_H_
