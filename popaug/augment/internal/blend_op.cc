#include "popaug/augment/internal/blend_op.h"

#include <cmath>

#include "popaug/augment/internal/levels.h"

namespace popaug {

OpRow blend_row() {
  OpRow row;
  row.unit = "factor";
  row.group = OpGroup::kColour;
  row.low = -10;  // factors above 10 would be legal for Pillow too, but no space needs them
  row.high = 10;
  row.has_identity = true;
  row.identity = 1;
  row.holes = HoleEffect::kKeeps;
  row.paper = LevelTable{.values = levels::paper([](int m) { return m * 1.8 / 10 + 0.1; })};
  row.randaugment = LevelTable{.is_signed = true, .values = levels::linspace(0.9), .centre = 1};
  row.trivial = LevelTable{.is_signed = true, .values = levels::linspace(0.99), .centre = 1};
  row.prepare = prepare_blend;
  return row;
}

void prepare_blend(PreparedOp& op, double factor, int, int) {
  // Blends by larger factors would leave the range of int32 on the way.
  constexpr double kMostFactor = 1 << 20;
  if (!(std::fabs(factor) <= kMostFactor)) return op.use_plain_twin();
  const simd::Blend blend = simd::find_blend(static_cast<float>(factor));
  blend.factor == 1.0f ? op.use_nothing() : op.use(blend);
}

void blend_with_value(const Kernels& kernels, Workspace& work, uint8_t from,
                      const simd::Blend& blend) {
  if (kernels.table.wide_tables) {
    kernels.table.blend_table(from, blend.factor, work.tables());
    kernels.table.table1(work.pixels(), work.size(), work.tables(), 0);
  } else {
    kernels.blend.blend_value(work.pixels(), work.size(), from, blend);
  }
}

}  // namespace popaug
