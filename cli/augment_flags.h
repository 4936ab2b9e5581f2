// What `popaug augment` was asked for; shared by the files cli/augment*.cc.
#ifndef POPAUG_CLI_AUGMENT_FLAGS_H_
#define POPAUG_CLI_AUGMENT_FLAGS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/schedule/schedule.h"

namespace popaug::cli {

struct AugmentFlags {
  std::string in, out;
  // Exactly one of these says what to do.
  std::string op, policy, schedule, augment;
  std::string sheet;  // "", "levels", "epochs", "pairs"
  // Of --op.
  int level = -1;
  double value = 0;
  bool has_value = false;
  std::string sign = "+";
  bool scale_pixels = false;
  // Of policies and schedules.
  int epoch = 0;
  int epochs = 0;
  bool no_base = false;
  std::string space;
  // Of photographs, before all that.
  std::string size;
  double resized_crop = 0;
  std::string fit = "stretch";  // to `size`
  bool scaled_decoding = false;
  // Of all.
  int64_t seed = 0;
  int copies = 1;
  int rows = 4, columns = 0, zoom = 0;
  int workers = 0;
  bool keep_going = false;
};

// Reads an image as --size and --scaled-decoding say; it has --size unless a crop is to bring it
// there.
Image read_image(const AugmentFlags& flags, const fs::path& path, DecodeInfo* info);

// Turns one image into another. `sample` numbers the image (and its copies); may be called from
// several threads at once.
using Transform = std::function<Image(const Image& image, bool grey, uint64_t sample)>;

// --op: one op at one value. --policy, --schedule, --augment: at the epoch of the flags.
Transform make_transform(const AugmentFlags& flags);
// The schedule that --schedule, --augment or --policy name (a policy is one segment of one epoch).
Schedule named_schedule(const AugmentFlags& flags);
// Draws from a schedule at an epoch.
Transform schedule_transform(const Schedule& schedule, int epoch, uint64_t seed, bool no_base);
// The op in the space of --space, or in the first built-in space that has it.
struct FoundOp {
  Space space;
  SpaceOp op;
  const OpRow* row;
};
FoundOp find_space_op(const std::string& op, const std::string& space);

// The pictures: every op at every level; one image over the epochs of a schedule; images of the
// data set flags.in that the schedule mixes at flags.epoch, with their labels.
Image levels_sheet(const AugmentFlags& flags, const Image& image, bool grey);
Image epochs_sheet(const AugmentFlags& flags, const Image& image, bool grey);
Image pairs_sheet(const AugmentFlags& flags);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_AUGMENT_FLAGS_H_
