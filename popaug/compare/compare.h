// The door of room compare: was it worth it?
#ifndef POPAUG_COMPARE_COMPARE_H_
#define POPAUG_COMPARE_COMPARE_H_

#include "popaug/compare/arm_jobs.h"
#include "popaug/compare/arm_results.h"
#include "popaug/compare/arms.h"
#include "popaug/compare/audit.h"
#include "popaug/compare/audit_verdict.h"
#include "popaug/compare/blocks.h"
#include "popaug/compare/comparison.h"
#include "popaug/compare/own_comparison.h"
#include "popaug/compare/screen.h"
#include "popaug/compare/screen_fit.h"
#include "popaug/compare/statistics.h"
#include "popaug/compare/verdict.h"

#endif  // POPAUG_COMPARE_COMPARE_H_
