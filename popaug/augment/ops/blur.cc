// Blur: Pillow's BLUR, the mean over a ring of 16 neighbours.
#include "popaug/augment/internal/built_in_ops.h"
#include "popaug/augment/internal/filter_plain.h"

namespace popaug::ops {
namespace {

void apply(Image& image, double, OpContext&) {
  static constexpr int kWeights[] = {1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0,
                                     0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1};
  plain::filter(image, 2, kWeights, 16);
}

}  // namespace

OpRow blur() {
  return {.name = "Blur",
          .summary = "means over a ring of 16 neighbours",
          .unit = "",
          .group = OpGroup::kTone,
          .uses_value = false,
          .holes = HoleEffect::kKeeps,
          .paper = LevelTable{},
          .plain = apply};
}

}  // namespace popaug::ops
