// The door of room rundir: the files of a run directory (docs/formats/run.md). Each format has one
// pair of files here, which writes it and reads it.
#ifndef POPAUG_RUNDIR_RUNDIR_H_
#define POPAUG_RUNDIR_RUNDIR_H_

#include "popaug/rundir/checkpoint_store.h"
#include "popaug/rundir/comparison_plan.h"
#include "popaug/rundir/directory_lock.h"
#include "popaug/rundir/drift_band.h"
#include "popaug/rundir/early_results.h"
#include "popaug/rundir/progress_csv.h"
#include "popaug/rundir/regular_file.h"
#include "popaug/rundir/result_json.h"
#include "popaug/rundir/result_lines.h"
#include "popaug/rundir/run_directory.h"
#include "popaug/rundir/run_log.h"
#include "popaug/rundir/temporaries.h"

#endif  // POPAUG_RUNDIR_RUNDIR_H_
