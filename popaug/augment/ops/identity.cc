// Identity: changes nothing. How often nothing is done is part of a space.
#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/prepared_op.h"

namespace popaug::ops {

OpRow identity() {
  return {.name = "Identity",
          .summary = "changes nothing",
          .unit = "",
          .uses_value = false,
          .changes_grey = false,
          .has_identity = true,
          .holes = HoleEffect::kKeeps,
          .randaugment = LevelTable{},
          .trivial = LevelTable{},
          .plain = [](Image&, double, OpContext&) {},
          .prepare = [](PreparedOp& op, double, int, int) { op.use_nothing(); }};
}

}  // namespace popaug::ops
