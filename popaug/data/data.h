// The door of room data: labelled images, whatever they came from; how they are split, checked and
// packed.
#ifndef POPAUG_DATA_DATA_H_
#define POPAUG_DATA_DATA_H_

#include "popaug/data/arrays.h"
#include "popaug/data/dataset.h"
#include "popaug/data/near_duplicates.h"
#include "popaug/data/packed.h"
#include "popaug/data/stratify.h"
#include "popaug/data/train_val_split.h"
#include "popaug/data/verify.h"

#endif  // POPAUG_DATA_DATA_H_
