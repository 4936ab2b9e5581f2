// The door of room schedule: a policy per epoch, as a value, as a file, and as other people's
// files.
#ifndef POPAUG_SCHEDULE_SCHEDULE_H_
#define POPAUG_SCHEDULE_SCHEDULE_H_

#include "popaug/schedule/distance.h"
#include "popaug/schedule/exchange.h"
#include "popaug/schedule/named.h"
#include "popaug/schedule/summary.h"
#include "popaug/schedule/transform.h"
#include "popaug/schedule/value.h"

#endif  // POPAUG_SCHEDULE_SCHEDULE_H_
