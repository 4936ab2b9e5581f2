// Scratch layouts shared by the kernels of this room; not part of its door.
#ifndef POPAUG_KERNELS_INTERNAL_LAYOUT_H_
#define POPAUG_KERNELS_INTERNAL_LAYOUT_H_

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "popaug/kernels/kernels.h"

namespace popaug::kernels {

inline constexpr size_t kLine = 16;  // floats in a cache line, and in the widest vector

inline size_t whole_lines(size_t floats) { return (floats + kLine - 1) / kLine * kLine; }

// Floats from one row of a scratch matrix to the next. Rows of 512 bytes and more get an odd number
// of cache lines; otherwise a panel of a matrix would use only a quarter of the sets of the
// first-level cache.
inline size_t leading(size_t columns) {
  const size_t whole = whole_lines(columns);
  return whole >= 128 && whole / kLine % 2 == 0 ? whole + kLine : whole;
}

// Floats from one of the 36 matrices to the next; with one extra line, for the same reason.
inline size_t plane(size_t rows, size_t columns) { return rows * leading(columns) + kLine; }

// A matrix [depth][columns] that is the right factor of many products is packed in the order in
// which they read it: blocks of kDepthBlock rows; in each, panels of kPanel columns,
// [rows][kPanel], the last filled up with zeros. One panel of a block stays in the first-level
// cache.
inline constexpr size_t kPanel = 32, kDepthBlock = 256;

inline size_t packed_floats(size_t depth, size_t columns) {
  return depth * ((columns + kPanel - 1) / kPanel) * kPanel;
}

// The place of element (row, column), and from it on of the others of its row in the same panel.
inline size_t packed_at(size_t depth, size_t columns, size_t row, size_t column) {
  const size_t block = row / kDepthBlock * kDepthBlock;
  const size_t rows = std::min(kDepthBlock, depth - block);
  return packed_floats(block, columns) + column / kPanel * rows * kPanel + (row - block) * kPanel +
         column % kPanel;
}
// Floats from one of the 36 packed matrices of a Winograd convolution to the next.
inline size_t packed_plane(size_t depth, size_t columns) {
  return packed_floats(depth, columns) + kLine;
}

inline constexpr size_t kPoints = 36;

// Divides a Winograd convolution: tiles of 4 x 4 outputs form rows of tiles, whole rows form
// blocks.
struct TilePlan {
  explicit TilePlan(const ConvShape& s)
      : tiles_y((size_t(s.height) + 3) / 4),
        tiles_x((size_t(s.width) + 3) / 4),
        rows(size_t(s.batch) * tiles_y),
        row_pixels(4 * tiles_x + 2) {
    // A block has enough tiles to fill the register blocks, but so few that the transformed tiles
    // of narrow layers stay in the second-level cache.
    const size_t channels = size_t(std::max(s.in, s.out));
    const size_t wanted = channels <= 64    ? std::max<size_t>(32, 2048 / channels)
                          : channels >= 256 ? 128
                                            : 64;
    block_rows = std::clamp<size_t>((wanted + tiles_x - 1) / tiles_x, 1, rows);
    tiles = block_rows * tiles_x;
  }
  // The first pixel of a row of tiles, or the end of the tensor.
  size_t first_pixel(const ConvShape& s, size_t row) const {
    if (row >= rows) return s.in_pixels();
    return (row / tiles_y * size_t(s.height) + row % tiles_y * 4) * size_t(s.width);
  }

  size_t tiles_y, tiles_x, rows, row_pixels, block_rows, tiles;
};

// Prefetches into the second-level cache what the next phase of a convolution reads and writes. A
// share is fetched with each matrix product, so memory and multipliers work at the same time.
class CachePrefetch {
 public:
  // Announces floats of a tensor that will be read, or written.
  void read(const float* data, size_t first, size_t count) { add(data, first, count, false); }
  void write(const float* data, size_t first, size_t count) { add(data, first, count, true); }
  void clear() { used_ = 0; }

  // Prefetches the share of product `part` of `parts`.
  void fetch(size_t part, size_t parts) const {
    for (size_t i = 0; i < used_; ++i) {
      const Range& range = ranges_[i];
      const size_t begin = range.lines * part / parts, end = range.lines * (part + 1) / parts;
      const float* at = range.data + begin * kLine;
      for (size_t line = begin; line < end; ++line, at += kLine) {
        if (range.write) {
          __builtin_prefetch(at, 1, 2);
        } else {
          __builtin_prefetch(at, 0, 2);
        }
      }
    }
  }

 private:
  struct Range {
    const float* data;
    size_t lines;
    bool write;
  };
  void add(const float* data, size_t first, size_t count, bool write) {
    if (data != nullptr && used_ < std::size(ranges_)) {
      ranges_[used_++] = {data + first, (count + kLine - 1) / kLine, write};
    }
  }
  Range ranges_[8];
  size_t used_ = 0;
};

// Divides a workspace into parts, each on a cache line of its own.
class BufferLayout {
 public:
  size_t add(size_t floats) {
    const size_t at = total_;
    total_ += whole_lines(floats) + kLine;
    return at;
  }
  size_t total() const { return total_; }

 private:
  size_t total_ = 0;
};

}  // namespace popaug::kernels

#endif  // POPAUG_KERNELS_INTERNAL_LAYOUT_H_
