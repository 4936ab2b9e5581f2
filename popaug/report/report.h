// The door of room report: schedules and runs as pictures, documents and pages.
#ifndef POPAUG_REPORT_REPORT_H_
#define POPAUG_REPORT_REPORT_H_

#include "popaug/report/audit_view.h"
#include "popaug/report/band_exit.h"
#include "popaug/report/comparison_view.h"
#include "popaug/report/html.h"
#include "popaug/report/mixed_pairs.h"
#include "popaug/report/picture.h"
#include "popaug/report/run_view.h"
#include "popaug/report/screening_view.h"
#include "popaug/report/serve.h"
#include "popaug/report/svg.h"
#include "popaug/report/tensorboard.h"
#include "popaug/report/train_view.h"

#endif  // POPAUG_REPORT_REPORT_H_
