// Schedules known by name: the shipped ones and the free baselines.
#ifndef POPAUG_SCHEDULE_NAMED_H_
#define POPAUG_SCHEDULE_NAMED_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/schedule/value.h"

namespace popaug {

// Loads a shipped schedule by name (rcifar10-paper, rsvhn-paper), otherwise a file.
Schedule find_schedule(const std::string& name_or_path);
// The names of the *.schedule.json files in the folder of shipped data, sorted.
std::vector<std::string> shipped_schedule_names();

// The free baselines and published policies, named as the --augment flag names them
// (docs/architecture.md#command-line): none, crop, flipcrop, dihedral, flipcrop-cutout,
// mild, randaugment, trivial, trivial-standard, autoaugment-cifar10, autoaugment-svhn. Each is one
// segment of one epoch; stretch() or at() give it any length. Flip and crop are as
// docs/pba.md#policy for CIFAR; the published policies come with the base transforms that they were
// learned with (CIFAR: flip, crop, cutout 16; SVHN: cutout 20).
std::vector<std::string> baseline_names();
// Returns one of these, or one with numbers (below). UsageError with the nearest name if it is
// unknown.
Schedule baseline_schedule(const std::string& name);

// Adds a baseline of the caller's own, such as a recipe of another library whose policy is an op of
// its own (register_op), or replaces it. The name may not be that of a built-in one. Not thread
// safe: call before an experiment starts.
void register_baseline(const std::string& name, Schedule schedule);
// Whether `name`, without words such as +noflip, was registered.
bool is_registered_baseline(const std::string& name);
// The libraries whose recipes the Python package registers, as they begin a name: "timm:".
std::vector<std::string> recipe_prefixes();
// The sentence for a recipe of another library that is not registered; "" if the name is not one.
std::string unregistered_recipe(const std::string& name);

// What may follow any of these. +noflip: no flips and turns; +dihedral: all eight flips and turns
// of a square. +cutmix, +mixup or both, each also with a probability (+cutmix-0.3): CutMix with
// alpha 1 and by itself probability 0.5, mixup with alpha 0.2 and probability 1.
struct BaseWords {
  enum class Symmetry { kAsItIs, kNone, kDihedral };
  Symmetry symmetry = Symmetry::kAsItIs;
  double cutmix = 0, mixup = 0;
  bool any() const { return symmetry != Symmetry::kAsItIs || cutmix > 0 || mixup > 0; }
  void apply(BaseTransforms& base) const;
  std::string title() const;  // "no flips, CutMix 0.5, mixup 1"
};
// Takes one such word ("noflip", "mixup-0.3"). False if it is none of them, if its number is out of
// range, or if its place is taken.
bool take_word(const std::string& word, BaseWords& words);

// randaugment-N-M: N (1..16) ops at bin M (0..30). trivial-S: ranges scaled by a strength 0..1.
// mild-S: strength S of mild_schedule().
struct NumberedBaseline {
  enum class Kind { kRandAugment, kTrivial, kMild };
  Kind kind = Kind::kTrivial;
  int count = 0, level = 0;  // of randaugment
  double strength = 1;       // of the others
};
// Returns nothing if `name` does not have this form or its numbers are out of range.
std::optional<NumberedBaseline> numbered_baseline(const std::string& name);

// Base transforms by name, docs/pba.md#policy: "none", "crop", "flipcrop", "dihedral" (all eight
// symmetries of a square, crop), "cifar" (flip, crop, cutout 16), "svhn" (cutout 20). UsageError
// otherwise.
std::vector<std::string> base_names();
BaseTransforms base_by_name(const std::string& name);

// RandAugment with `count` ops at bin `level` of 31; TrivialAugment. Both with flip and crop.
Schedule randaugment_schedule(int count, int level);
Schedule trivial_schedule();

// The strength of the arm "mild".
inline constexpr double kMildStrength = 0.25;
// Three ops an image: one that moves pixels, one of colour and one of tone, in this order, each
// drawn uniformly from its group and applied at a share `strength` (0..1) of the range that
// RandAugment has, with a random sign. Flips, pad 2 and crop.
Schedule mild_schedule(double strength);

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_NAMED_H_
