// Invert: 255 minus each colour.
#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/prepared_op.h"
#include "popaug/augment/internal/table_plain.h"

namespace popaug::ops {
namespace {

void apply(Image& image, double, OpContext&) {
  plain::Table table;
  for (int i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(255 - i);
  plain::apply_table(image, table);
}

void run(const PreparedOp&, const Kernels& kernels, Workspace& work, OpContext&) {
  kernels.table.bits(work.pixels(), work.size(), 255, 255);
}

}  // namespace

OpRow invert() {
  return {.name = "Invert",
          .summary = "255 minus each colour",
          .unit = "",
          .group = OpGroup::kTone,
          .uses_value = false,
          .holes = HoleEffect::kFills,
          .paper = LevelTable{},
          .plain = apply,
          .run = run};
}

}  // namespace popaug::ops
