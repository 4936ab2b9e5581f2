// A schedule as a value and as a file (docs/formats/schedule.md).
#ifndef POPAUG_SCHEDULE_VALUE_H_
#define POPAUG_SCHEDULE_VALUE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/base/base.h"

namespace popaug {

struct Segment {
  int epochs = 1;  // at least 1
  Policy policy;
  // What differs from the schedule's own while the segment lasts; absent: nothing. The space has
  // the same ops, levels and signs, and other values of the levels, as a searched strength gives.
  std::optional<BaseTransforms> base = {};
  std::optional<Space> space = {};
  bool operator==(const Segment&) const = default;
};

// Everything that augmentation needs during a training. A baseline is a schedule too, with one
// segment.
struct Schedule {
  std::string name;  // file name, shipped name or baseline name; for messages and tables
  Space space;
  Rule rule;
  BaseTransforms base;
  std::vector<Segment> segments;
  Json provenance = Json::object();

  int epochs() const;
  // The policy of an epoch; epochs past the end use the last segment.
  const Policy& at(int epoch) const;
  // The index of the segment of an epoch, likewise.
  size_t segment_of(int epoch) const;
  // What a segment uses: its own, or the schedule's.
  const BaseTransforms& base_of(size_t segment) const;
  const Space& space_of(size_t segment) const;
  // Whether images are mixed in some segment.
  bool mixes() const;
  // The least area of the random resized crops of its segments, so the strongest crop; 0: none.
  double least_resized_crop() const;
  // Calls change(BaseTransforms&) for the base transforms of the schedule and of every segment.
  template <typename Change>
  void change_bases(const Change& change) {
    change(base);
    for (Segment& segment : segments) {
      if (segment.base) change(*segment.base);
    }
  }
  bool operator==(const Schedule&) const = default;
};

// The augmenter of one segment. Pixels, sizes and errors: as Augmenter has them.
std::unique_ptr<Augmenter> make_augmenter(const Schedule& schedule, size_t segment,
                                          const Normalisation& normalisation, int width, int height,
                                          int channels);

// The longest training that a schedule may describe, in epochs: what fits into a RandomKey.
inline constexpr int kMaxScheduleEpochs = 1 << 24;

// Throws Error (starting with `origin`) unless there is a segment, every segment lasts at least one
// epoch, the total is within kMaxScheduleEpochs, and every policy fits space and rule.
void check_schedule(const Schedule& schedule, const std::string& origin);

// Throws UsageError (starting with `origin`) if images of this size cannot get the base transforms
// of some segment.
void check_schedule_fits(const Schedule& schedule, int width, int height,
                         const std::string& origin);

// Writing gives version 2. Reading takes versions 1 and 2, and refuses other versions, unknown ops
// and keys, and NaN. The name is not part of the file.
Json schedule_to_json(const Schedule& schedule);
Schedule schedule_from_json(const Json& json, const std::string& origin);
// What hashes of a run are made of: the same as the file, but as version 1 where that can express
// the schedule. Runs that began before version 2 can therefore be resumed.
Json schedule_identity(const Schedule& schedule);
std::string schedule_hash(const Schedule& schedule);  // of its text, provenance included
// The text of the file: one policy entry a line; the same bytes for the same schedule.
std::string schedule_text(const Schedule& schedule);
Schedule schedule_from_text(std::string_view text, const std::string& origin);
// The name becomes the file's name without ".schedule.json" or ".json".
void save_schedule(const Schedule& schedule, const fs::path& path);
Schedule load_schedule(const fs::path& path);

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_VALUE_H_
