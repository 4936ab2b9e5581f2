// The door of room search: decide, remember, and have others train.
#ifndef POPAUG_SEARCH_SEARCH_H_
#define POPAUG_SEARCH_SEARCH_H_

#include "popaug/search/drift.h"
#include "popaug/search/estimate.h"
#include "popaug/search/history.h"
#include "popaug/search/journal.h"
#include "popaug/search/journal_fold.h"
#include "popaug/search/population.h"
#include "popaug/search/run.h"
#include "popaug/search/run_search.h"
#include "popaug/search/settings.h"
#include "popaug/search/toy.h"
#include "popaug/search/trainer.h"
#include "popaug/search/worker.h"

#endif  // POPAUG_SEARCH_SEARCH_H_
