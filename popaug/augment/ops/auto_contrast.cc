// AutoContrast: Pillow's ImageOps.autocontrast with cutoff 0, which stretches each channel to
// 0..255.
#include <algorithm>
#include <cstring>

#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/prepared_op.h"
#include "popaug/augment/internal/table_plain.h"

namespace popaug::ops {
namespace {

// In double, as Pillow does.
plain::Table table_of(const plain::Histogram& counts) {
  int low = 0, high = 255;
  while (low < 256 && counts[low] == 0) ++low;
  while (high >= 0 && counts[high] == 0) --high;
  if (high <= low) return plain::identity_table();
  const double scale = 255.0 / (high - low);
  const double offset = -low * scale;
  plain::Table table;
  for (int i = 0; i < 256; ++i) {
    table[i] = static_cast<uint8_t>(std::clamp(static_cast<int>(i * scale + offset), 0, 255));
  }
  return table;
}

void apply(Image& image, double, OpContext&) {
  std::array<plain::Table, 3> tables;
  for (int c = 0; c < 3; ++c) tables[c] = table_of(plain::histogram_of(image, c));
  plain::apply_tables(image, tables);
}

void run(const PreparedOp&, const Kernels& kernels, Workspace& work, OpContext&) {
  uint8_t low[4], high[4];
  kernels.table.extrema(work.pixels(), work.size(), low, high);
  bool changes = false;
  for (int c = 0; c < 3; ++c) {
    uint8_t* table = work.tables() + 256 * c;
    const int top = high[c] > low[c] ? high[c] : 255, bottom = high[c] > low[c] ? low[c] : 0;
    changes = changes || top != 255 || bottom != 0;
    if (c > 0 && high[c] == high[0] && low[c] == low[0]) {
      std::memcpy(table, work.tables(), 256);
    } else {
      kernels.table.auto_contrast_table(bottom, top, table);
    }
  }
  if (changes) {
    kernels.table.table3(work.pixels(), work.size(), work.tables(), simd::kOpaque);
  } else {
    kernels.table.bits(work.pixels(), work.size(), 255, 0);
  }
}

}  // namespace

OpRow auto_contrast() {
  return {.name = "AutoContrast",
          .summary = "stretches each channel to 0..255",
          .unit = "",
          .group = OpGroup::kTone,
          .uses_value = false,
          .holes = HoleEffect::kFills,
          .paper = LevelTable{},
          .randaugment = LevelTable{},
          .trivial = LevelTable{},
          .plain = apply,
          .run = run};
}

}  // namespace popaug::ops
