// The door of room augment: ops, spaces, policies, and the engine that applies them.
#ifndef POPAUG_AUGMENT_AUGMENT_H_
#define POPAUG_AUGMENT_AUGMENT_H_

#include "popaug/augment/augmenter.h"
#include "popaug/augment/check_op.h"
#include "popaug/augment/closed_form.h"
#include "popaug/augment/load_plugin.h"
#include "popaug/augment/movement.h"
#include "popaug/augment/op.h"
#include "popaug/augment/photo.h"
#include "popaug/augment/place.h"
#include "popaug/augment/policy.h"
#include "popaug/augment/sampler.h"
#include "popaug/augment/space.h"
#include "popaug/augment/strength.h"
#include "popaug/augment/unknown_ops.h"

#endif  // POPAUG_AUGMENT_AUGMENT_H_
