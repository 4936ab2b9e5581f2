// The door of room experiment: settings with their presets, and one recipe for each kind of
// experiment, which a verb of the program, a C++ program or Python calls with values. A recipe
// prints nothing and never exits: it reports through Progress and throws. No torch here: the
// library of training is opened at run time.
#ifndef POPAUG_EXPERIMENT_EXPERIMENT_H_
#define POPAUG_EXPERIMENT_EXPERIMENT_H_

#include "popaug/experiment/audit.h"
#include "popaug/experiment/choose.h"
#include "popaug/experiment/comparison.h"
#include "popaug/experiment/evaluation.h"
#include "popaug/experiment/images.h"
#include "popaug/experiment/memory_check.h"
#include "popaug/experiment/moved_data.h"
#include "popaug/experiment/run_folder.h"
#include "popaug/experiment/screen_search.h"
#include "popaug/experiment/screening.h"
#include "popaug/experiment/search.h"
#include "popaug/experiment/search_grammar.h"
#include "popaug/experiment/settings.h"
#include "popaug/experiment/training.h"
#include "popaug/experiment/training_library.h"
#include "popaug/experiment/version.h"
#include "popaug/experiment/weights.h"
#include "popaug/experiment/worker_trainer.h"

#endif  // POPAUG_EXPERIMENT_EXPERIMENT_H_
