// Plain twins: what the ops share that map each channel through a table of 256 bytes. The published
// pipeline sends them through RGB and back, so every pixel ends opaque: a hole becomes the colour
// that lay underneath.
#ifndef POPAUG_AUGMENT_INTERNAL_TABLE_PLAIN_H_
#define POPAUG_AUGMENT_INTERNAL_TABLE_PLAIN_H_

#include <array>
#include <cstdint>

#include "popaug/image/image.h"

namespace popaug::plain {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<uint32_t, 256>;

// The table that changes nothing.
Table identity_table();
// How often each byte occurs in one channel (0, 1 or 2).
Histogram histogram_of(const Image& image, int channel);
// Maps the three colours, each through its own table, and makes every pixel opaque.
void apply_tables(Image& image, const std::array<Table, 3>& tables);
// ... all through one table.
void apply_table(Image& image, const Table& table);

}  // namespace popaug::plain

#endif  // POPAUG_AUGMENT_INTERNAL_TABLE_PLAIN_H_
