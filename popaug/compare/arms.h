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
  kFree,     // a baseline that costs no search: every other arm is set against it
  kLearned,  // what a search or a tuning gave
  kControl,  // what a learned schedule must beat to have learned something
};

// One way of training. `name` is what --arms says: BASE, BASE+clean, either with @EPOCHS.
struct Arm {
  std::string name;
  std::string title;  // for tables: "TrivialAugment, strength 0.5, clean tail"
  ArmFamily family = ArmFamily::kFree;
  bool reference = false;     // a verdict must hold against it: flipcrop, randaugment, trivial
  bool tuned = false;         // trains with the cell that the grid's trainings chose
  bool raced = false;         // trains as the arm that a race under its seed chose (race.h)
  int epochs = 0;             // of its own; 0: the comparison's
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

// The names that stand for themselves. Besides: randaugment-N-M (N ops at bin M of 31) and
// trivial-S (strength S in 0..1).
std::vector<std::string> arm_names();

// Which arms a raced one chooses from: the free ones for "choose", and the schedule too for "gate".
bool races_with_schedule(const Arm& arm);

// Throws UsageError for an unknown name (with the nearest one), or where the arm needs a schedule
// and there is none.
Arm make_arm(const std::string& name, const ArmContext& context);

// What the arm trains with under a seed, over exactly `epochs`. shuffled, random and drift draw
// theirs by the seed. `tuned` is the cell that "randaugment-tuned" chose. Not for a raced arm,
// which is another one under each seed.
Schedule arm_schedule(const Arm& arm, const ArmContext& context, int epochs, uint64_t seed,
                      const RandAugmentCell& tuned = {});

}  // namespace popaug

#endif  // POPAUG_COMPARE_ARMS_H_
