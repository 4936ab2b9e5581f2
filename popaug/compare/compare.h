// The door of room compare: was it worth it?
#ifndef POPAUG_COMPARE_COMPARE_H_
#define POPAUG_COMPARE_COMPARE_H_

#include "popaug/compare/statistics.h"

#endif  // POPAUG_COMPARE_COMPARE_H_
