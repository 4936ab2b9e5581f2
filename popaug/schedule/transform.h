// Schedules made from schedules: other lengths, and the ablations that the paper names
// (docs/pba.md#ablations). Each returns a new value and notes in the provenance, under "made", what
// was done.
#ifndef POPAUG_SCHEDULE_TRANSFORM_H_
#define POPAUG_SCHEDULE_TRANSFORM_H_

#include <cstdint>

#include "popaug/schedule/value.h"

namespace popaug {

// Boundaries at round(cumulative * ratio), halves up; segments of length zero disappear
// (docs/pba.md#published-schedule-files). Returns an equal schedule if the length is already
// `epochs`.
Schedule stretch(const Schedule& schedule, int epochs);

// The last segment for the whole length.
Schedule last_policy(const Schedule& schedule);

// The segments in an order drawn by `seed`, each with its own length.
Schedule shuffle_segments(const Schedule& schedule, uint64_t seed);

// Every image draws the policy of a random epoch: one segment whose rule is the mixture of all
// policies, weighted by their epochs. Base transforms and values of levels are those of the last
// segment. Throws Error if that cannot be expressed: more than 1,024 segments, or, under rules
// other than kPba, policies of unequal size.
Schedule flatten(const Schedule& schedule);

// One fixed random policy: every number of `schedule`'s first policy redrawn uniformly by `seed`
// over what a search draws (probability 0, 0.1, .. 1, level below search_levels), for its length,
// with the base transforms and values of levels of its last segment.
Schedule random_policy(const Schedule& schedule, uint64_t seed);

// Leaves only base transforms in the last round(share * epochs) epochs; share in 0..1.
Schedule with_clean_tail(const Schedule& schedule, double share);

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_TRANSFORM_H_
