// Schedules known by name: the shipped ones and the free baselines.
#ifndef POPAUG_SCHEDULE_NAMED_H_
#define POPAUG_SCHEDULE_NAMED_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/schedule/value.h"

namespace popaug {

// A shipped schedule by name (rcifar10-paper, rsvhn-paper), else a file.
Schedule find_schedule(const std::string& name_or_path);
// The names of the *.schedule.json files in the folder of shipped data, sorted.
std::vector<std::string> shipped_schedule_names();

// The free baselines and published policies, named as the --augment flag names them (DESIGN 7):
// none, flipcrop, flipcrop-cutout, randaugment, trivial, autoaugment-cifar10, autoaugment-svhn.
// Each is one segment of one epoch: stretch() or at() give any length. Flip and crop are as
// REFERENCE 3 for CIFAR; the published policies come with the base transforms that they were
// learned with (CIFAR: flip, crop, cutout 16; SVHN: cutout 20).
std::vector<std::string> baseline_names();
// One of these, or one with numbers (below). UsageError with the nearest name if unknown.
Schedule baseline_schedule(const std::string& name);

// randaugment-N-M: N (1..16) ops at bin M (0..30). trivial-S: ranges scaled by a strength 0..1.
struct NumberedBaseline {
  int count = 0, level = 0;  // of randaugment; count 0: this is trivial
  double strength = 1;
};
// Nothing if `name` is no such name, or its numbers are outside.
std::optional<NumberedBaseline> numbered_baseline(const std::string& name);

// Base transforms by name, REFERENCE 3: "none", "flipcrop", "cifar" (flip, crop, cutout 16),
// "svhn" (cutout 20). UsageError otherwise.
std::vector<std::string> base_names();
BaseTransforms base_by_name(const std::string& name);

// RandAugment with `count` ops at bin `level` of 31; TrivialAugment. Both with flip and crop.
Schedule randaugment_schedule(int count, int level);
Schedule trivial_schedule();

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_NAMED_H_
