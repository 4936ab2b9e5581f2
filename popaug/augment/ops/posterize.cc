// Posterize: keeps the upper bits of each colour.
#include <cmath>

#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/levels.h"
#include "popaug/augment/internal/prepared_op.h"
#include "popaug/augment/internal/table_plain.h"

namespace popaug::ops {
namespace {

uint8_t mask_of(double bits) {
  return static_cast<uint8_t>(~((1 << (8 - static_cast<int>(bits))) - 1));
}

void apply(Image& image, double bits, OpContext&) {
  plain::Table table;
  for (int i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(i & mask_of(bits));
  plain::apply_table(image, table);
}

void prepare(PreparedOp& op, double bits, int, int) { op.use(mask_of(bits)); }

void run(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext&) {
  kernels.table.bits(work.pixels(), work.size(), op.parameters<uint8_t>(), 0);
}

// torchvision's bins: from 8 bits, `lost` of them gone at the last bin. bin * lost / 30 never lies
// on a half, so the way of rounding does not matter.
std::vector<double> bins(int lost) {
  return levels::table(levels::kTorchvision,
                       [=](int bin) { return 8 - std::round(bin * lost / 30.0); });
}

}  // namespace

OpRow posterize() {
  const auto values = levels::paper([](int m) { return 4 - m * 4 / 10; });
  return {.name = "Posterize",
          .summary = "keeps the upper bits of each colour",
          .unit = "bits",
          .group = OpGroup::kTone,
          .low = 0,
          .high = 8,
          .holes = HoleEffect::kFills,
          .paper = LevelTable{.values = values},
          .randaugment = LevelTable{.values = bins(4)},
          .trivial = LevelTable{.values = bins(6)},
          .plain = apply,
          .prepare = prepare,
          .run = run};
}

}  // namespace popaug::ops
