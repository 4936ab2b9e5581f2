// Smooth: Pillow's SMOOTH.
#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/filter_plain.h"

namespace popaug::ops {

OpRow smooth() {
  return {.name = "Smooth",
          .summary = "means over 3x3, the centre counting 5",
          .unit = "",
          .group = OpGroup::kTone,
          .uses_value = false,
          .holes = HoleEffect::kKeeps,
          .paper = LevelTable{},
          .plain = [](Image& image, double, OpContext&) { plain::smooth(image); }};
}

}  // namespace popaug::ops
