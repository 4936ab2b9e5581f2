// The door of room schedule: a policy per epoch, as a value and as a file.
#ifndef POPAUG_SCHEDULE_SCHEDULE_H_
#define POPAUG_SCHEDULE_SCHEDULE_H_

#include <string>
#include <vector>

#include "popaug/augment/augment.h"
#include "popaug/base/base.h"

namespace popaug {

struct Segment {
  int epochs = 1;  // at least 1
  Policy policy;
  bool operator==(const Segment&) const = default;
};

// Everything that augmentation needs over a training: the learned schedule, and every baseline too
// (a baseline is one segment).
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
};

// docs/formats/schedule.md. Reading refuses unknown versions, ops and keys, and NaN.
Json schedule_to_json(const Schedule& schedule);
Schedule schedule_from_json(const Json& json, const std::string& origin);
void save_schedule(const Schedule& schedule, const fs::path& path);
Schedule load_schedule(const fs::path& path);

// A shipped schedule by name (rcifar10-paper, rsvhn-paper), else a file.
Schedule find_schedule(const std::string& name_or_path);
std::vector<std::string> shipped_schedule_names();

// The free baselines and published policies, named as the --augment flag names them (DESIGN 7):
// none, flipcrop, flipcrop-cutout, randaugment, trivial, autoaugment-cifar10, autoaugment-svhn.
// Flip and crop are as REFERENCE 3 for CIFAR.
std::vector<std::string> baseline_names();
Schedule baseline_schedule(const std::string& name);

// Boundaries at round(cumulative * ratio); segments of length zero vanish (REFERENCE 6).
Schedule stretch(const Schedule& schedule, int epochs);

// Reads a published log, either format (REFERENCE 6). `total_epochs` closes the last segment.
// What was dropped or assumed goes to `notes` as sentences.
Schedule import_pba_log(std::string_view text, const std::string& origin, int total_epochs,
                        std::vector<std::string>* notes);

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_SCHEDULE_H_
