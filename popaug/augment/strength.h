// How strongly the ops of a space act: one number for all of them, and one for each group.
#ifndef POPAUG_AUGMENT_STRENGTH_H_
#define POPAUG_AUGMENT_STRENGTH_H_

#include "popaug/augment/space.h"

namespace popaug {

// Each 0..1: 1 is the whole range of the space, 0 the mildest value of each op. The strength of an
// op is `all` times that of its group (OpRow::group); `all` alone where it has none.
struct Strengths {
  double all = 1;
  double geometry = 1, colour = 1, tone = 1;
  bool operator==(const Strengths&) const = default;
};

// The same space with every value moved towards the op's identity: identity + strength * (value -
// identity), whole where the op counts pixels or bits. Ops without levels stay as they are, and the
// name stays. UsageError for a strength that is not within 0..1.
Space with_strengths(const Space& space, const Strengths& strengths);
// One strength for all; the name becomes NAME:STRENGTH.
Space with_strength(const Space& space, double strength);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_STRENGTH_H_
