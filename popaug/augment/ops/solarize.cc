// Solarize: inverts each colour from a threshold up.
#include <algorithm>
#include <cmath>

#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/levels.h"
#include "popaug/augment/internal/prepared_op.h"
#include "popaug/augment/internal/table_plain.h"

namespace popaug::ops {
namespace {

void apply(Image& image, double threshold, OpContext&) {
  plain::Table table;
  for (int i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(i < threshold ? i : 255 - i);
  plain::apply_table(image, table);
}

void prepare(PreparedOp& op, double threshold, int, int) {
  op.use(static_cast<int>(std::clamp(std::ceil(threshold), 0.0, 256.0)));
}

void run(const PreparedOp& op, const Kernels& kernels, Workspace& work, OpContext&) {
  kernels.table.solarize(work.pixels(), work.size(), op.parameters<int>());
}

// torchvision's linspace(255, 0, 31), in float32 and counted from the nearer end.
double bin_value(int bin) {
  constexpr int kBins = levels::kTorchvision;
  return bin < kBins / 2 ? 255.0f - 8.5f * static_cast<float>(bin)
                         : 8.5f * static_cast<float>(kBins - 1 - bin);
}

}  // namespace

OpRow solarize() {
  const LevelTable bins{.values = levels::table(levels::kTorchvision, bin_value)};
  const auto values = levels::paper([](int m) { return 256 - m * 256 / 10; });
  return {.name = "Solarize",
          .summary = "inverts colours from the threshold up",
          .unit = "threshold",
          .group = OpGroup::kTone,
          .low = 0,
          .high = 256,
          .holes = HoleEffect::kFills,
          .paper = LevelTable{.values = values},
          .randaugment = bins,
          .trivial = bins,
          .plain = apply,
          .prepare = prepare,
          .run = run};
}

}  // namespace popaug::ops
