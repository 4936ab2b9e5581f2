// The door of room schedule: a policy for each epoch, as a value, as a file, and in the formats of
// other projects.
#ifndef POPAUG_SCHEDULE_SCHEDULE_H_
#define POPAUG_SCHEDULE_SCHEDULE_H_

#include "popaug/schedule/distance.h"
#include "popaug/schedule/exchange.h"
#include "popaug/schedule/learning_rate.h"
#include "popaug/schedule/named.h"
#include "popaug/schedule/summary.h"
#include "popaug/schedule/transform.h"
#include "popaug/schedule/value.h"

#endif  // POPAUG_SCHEDULE_SCHEDULE_H_
