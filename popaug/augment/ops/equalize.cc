// Equalize: Pillow's ImageOps.equalize, which flattens the histogram of each channel.
#include <algorithm>

#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/prepared_op.h"
#include "popaug/augment/internal/table_plain.h"

namespace popaug::ops {
namespace {

// The last occupied bin does not count towards the step.
plain::Table table_of(const plain::Histogram& counts) {
  uint32_t total = 0, last = 0;
  int occupied = 0;
  for (const uint32_t count : counts) {
    if (count == 0) continue;
    total += count;
    last = count;
    ++occupied;
  }
  const uint32_t step = (total - last) / 255;
  if (occupied <= 1 || step == 0) return plain::identity_table();
  plain::Table table;
  uint32_t sum = step / 2;
  for (int i = 0; i < 256; ++i) {
    table[i] = static_cast<uint8_t>(std::min<uint32_t>(sum / step, 255));
    sum += counts[i];
  }
  return table;
}

void apply(Image& image, double, OpContext&) {
  std::array<plain::Table, 3> tables;
  for (int c = 0; c < 3; ++c) tables[c] = table_of(plain::histogram_of(image, c));
  plain::apply_tables(image, tables);
}

void run(const PreparedOp&, const Kernels& kernels, Workspace& work, OpContext&) {
  kernels.table.histogram(work.pixels(), work.size(), work.counts());
  kernels.table.equalize_tables(work.counts(), work.tables());
  kernels.table.table3(work.pixels(), work.size(), work.tables(), simd::kOpaque);
}

}  // namespace

OpRow equalize() {
  return {.name = "Equalize",
          .summary = "flattens each channel's histogram",
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
