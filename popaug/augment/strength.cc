#include "popaug/augment/strength.h"

#include <cmath>

#include "popaug/augment/op.h"

namespace popaug {
namespace {

double strength_of(const Strengths& strengths, OpGroup group) {
  switch (group) {
    case OpGroup::kGeometry:
      return strengths.all * strengths.geometry;
    case OpGroup::kColour:
      return strengths.all * strengths.colour;
    case OpGroup::kTone:
      return strengths.all * strengths.tone;
    case OpGroup::kOther:
      break;
  }
  return strengths.all;
}

}  // namespace

Space with_strengths(const Space& space, const Strengths& strengths) {
  for (const double each : {strengths.all, strengths.geometry, strengths.colour, strengths.tone}) {
    if (each >= 0 && each <= 1) continue;
    throw UsageError("strength " + number_text(each) + " of a space; expected 0..1");
  }
  Space scaled = space;
  for (SpaceOp& op : scaled.ops) {
    const OpRow* row = find_op(op.op);
    if (row == nullptr || op.values.empty()) continue;
    const double strength = strength_of(strengths, row->group);
    if (strength == 1) continue;
    // Posterize and Solarize have no value that changes nothing at all; they move towards their
    // mildest one.
    const double still = row->has_identity ? row->identity : row->high;
    const bool whole = row->unit == "bits" || (row->unit == "px" && op.scale == PixelScale::kNone);
    for (double& value : op.values) {
      const double moved = still - op.centre + strength * (value - (still - op.centre));
      value = whole ? std::round(moved) : moved;
    }
  }
  return scaled;
}

Space with_strength(const Space& space, double strength) {
  Space scaled = with_strengths(space, {.all = strength});
  scaled.name = space.name + ":" + number_text(strength);
  return scaled;
}

}  // namespace popaug
