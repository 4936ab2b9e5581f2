// Arms: the ways of training that a comparison knows.
#ifndef POPAUG_COMPARE_ARMS_H_
#define POPAUG_COMPARE_ARMS_H_

#include <optional>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/schedule/schedule.h"

namespace popaug {

enum class ArmFamily {
  kFree,     // a baseline that costs no search; every other arm is compared with it
  kLearned,  // the result of a search or a tuning
  kControl,  // what a learned schedule must beat to have learned something
};

// One way of training. `name` is the word of --arms: BASE, then +noflip or +dihedral, +cutmix,
// +mixup (each also with a probability, +cutmix-0.3) and +clean as wanted, then @EPOCHS.
struct Arm {
  std::string name;
  std::string title;  // for tables: "TrivialAugment, strength 0.5, clean tail"
  ArmFamily family = ArmFamily::kFree;
  bool reference = false;     // a verdict must hold against it: flipcrop, randaugment, trivial
  bool tuned = false;         // trains with the cell that the grid's trainings chose
  bool screened = false;      // trains as the arm that a screening under its seed chose (screen.h)
  int epochs = 0;             // of this arm; 0: those of the comparison
  int64_t search_images = 0;  // trained and evaluated before this arm's training could start
};

// What an arm may need beyond its name.
struct ArmContext {
  std::optional<Schedule> schedule;  // the learned one, for schedule and its controls
  int64_t search_images = 0;         // that the search behind it trained and evaluated
  double clean_share = 0.15;         // of the epochs, for "+clean"
};

// A RandAugment of the grid that "randaugment-tuned" tries.
struct RandAugmentCell {
  int count = 2;  // ops an image
  int level = 9;  // bin of 31
};
std::vector<RandAugmentCell> randaugment_grid();
std::string cell_name(const RandAugmentCell& cell);  // "randaugment-2-9"

// The fixed names. There are also randaugment-N-M (N ops at bin M of 31), trivial-S and mild-S
// (strength S in 0..1).
std::vector<std::string> arm_names();

// The arms of a comparison whose caller names none: the free references and the learned schedule,
// if there is one. A schedule of several segments brings its controls; of one segment these would
// be the schedule itself.
std::vector<std::string> default_arms(const std::optional<Schedule>& schedule);

// What "free" in a list of arms means: arms that cost no search.
std::vector<std::string> free_arms();
// The list with "free" replaced by these, each once.
std::vector<std::string> expand_arms(const std::vector<std::string>& names);

// Whether the screening of an arm includes the schedule: that of "gate" does, "choose" has free
// arms only.
bool screens_schedule(const Arm& arm);

// Throws UsageError for an unknown name (with the nearest one), or if the arm needs a schedule and
// there is none.
Arm make_arm(const std::string& name, const ArmContext& context);

// The schedule that the arm trains with under a seed, for exactly `epochs`. The seed draws the
// schedules of shuffled, random and drift. `tuned` is the cell that "randaugment-tuned" chose. Not
// for a screened arm, which may be another arm under each seed.
Schedule arm_schedule(const Arm& arm, const ArmContext& context, int epochs, uint64_t seed,
                      const RandAugmentCell& tuned = {});

}  // namespace popaug

#endif  // POPAUG_COMPARE_ARMS_H_
