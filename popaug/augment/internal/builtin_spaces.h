// The spaces that popaug ships (docs/pba.md#operations, docs/pba.md#baselines).
#ifndef POPAUG_AUGMENT_INTERNAL_BUILTIN_SPACES_H_
#define POPAUG_AUGMENT_INTERNAL_BUILTIN_SPACES_H_

#include "popaug/augment/space.h"

namespace popaug::builtin {

Space pba();               // 15 ops, levels 0..10
Space pba_full();          // and the other ops of the published list, but SamplePairing
Space autoaugment();       // the same values, in the AutoAugment paper's order
Space randaugment();       // torchvision's RandAugment, 31 bins
Space trivial();           // torchvision's TrivialAugmentWide, 31 bins
Space trivial_standard();  // the ops and ranges of randaugment, for the rule of trivial

}  // namespace popaug::builtin

#endif  // POPAUG_AUGMENT_INTERNAL_BUILTIN_SPACES_H_
