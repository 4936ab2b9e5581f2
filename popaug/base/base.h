// The public header of room base: what all other rooms use. It knows nothing of images.
#ifndef POPAUG_BASE_BASE_H_
#define POPAUG_BASE_BASE_H_

#include "popaug/base/error.h"
#include "popaug/base/escape.h"
#include "popaug/base/failpoint.h"
#include "popaug/base/file.h"
#include "popaug/base/hash.h"
#include "popaug/base/json.h"
#include "popaug/base/progress.h"
#include "popaug/base/random.h"
#include "popaug/base/shipped.h"
#include "popaug/base/stop.h"
#include "popaug/base/text.h"
#include "popaug/base/thread.h"
#include "popaug/base/unicode.h"

#endif  // POPAUG_BASE_BASE_H_
