// The distance between two schedules, from the closed forms of their policies.
#ifndef POPAUG_SCHEDULE_DISTANCE_H_
#define POPAUG_SCHEDULE_DISTANCE_H_

#include "popaug/schedule/value.h"

namespace popaug {

struct ScheduleDistance {
  int epochs = 0;              // both are stretched to the longer one
  double total_variation = 0;  // mean over the epochs of total_variation() of the closed forms
  double use = 0;              // mean over the epochs of use_distance()
};

// Of the ops alone: base transforms are not part of it. Throws Error unless both spaces have the
// same ops, in any order, with the same values at every epoch.
ScheduleDistance schedule_distance(const Schedule& a, const Schedule& b);

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_DISTANCE_H_
