// Trainers without images, with a known best schedule: they test the search in milliseconds.
#ifndef POPAUG_SEARCH_TOY_H_
#define POPAUG_SEARCH_TOY_H_

#include <memory>

#include "popaug/search/settings.h"
#include "popaug/search/trainer.h"

namespace popaug {

// `settings` (all optional): "optimum" ("ramp": the best probability and level of every op rise
// from 0 to 0.8 and 8 over the training; "constant": 0.5 and 5), "noise" (standard deviation of a
// score, 0.002), "validation" (images with bits, 0: none), "state" (numbers in a checkpoint, 64),
// "diverge" (share of rounds that do, 0), "milliseconds" (slept per epoch, 0), "unequal" (times 1 +
// member % 4 if true). Deterministic in the work alone. The score is 1 minus the mean squared
// distance of the trained policies from the best ones, later epochs counting more; the checkpoint
// carries the sum, so weights matter.
TrainerFactory make_toy_trainer_factory(const SearchSettings& settings);
std::unique_ptr<Trainer> make_toy_trainer(const Json& settings, const Space& space);

}  // namespace popaug

#endif  // POPAUG_SEARCH_TOY_H_
