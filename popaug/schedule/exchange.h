// Imports and exports: reads the published log of PBA and the lists of AutoAugment; writes the
// published log, CSV and Python.
#ifndef POPAUG_SCHEDULE_EXCHANGE_H_
#define POPAUG_SCHEDULE_EXCHANGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "popaug/schedule/value.h"

namespace popaug {

// Reads a published log (docs/pba.md#published-schedule-files): lines of Python or JSON lists, each
// config a list of 60 numbers or an object with the key hp_policy. `total_epochs` closes the last
// segment. What was dropped or assumed goes to `notes` as sentences. A log has no base transforms,
// so the result has those of CIFAR (docs/pba.md#policy); the caller may set others.
Schedule import_pba_log(std::string_view text, const std::string& origin, int total_epochs,
                        std::vector<std::string>* notes);

// Reads AutoAugment sub-policies, a JSON or Python list of [[op, probability, level], ..], all
// groups of one size: one segment of one epoch, base transforms of CIFAR.
Schedule import_autoaugment(std::string_view text, const std::string& origin);

// Reads any of the above, or popaug's own format, recognised by content. `total_epochs` 0 means not
// given, which is an error for a published log.
Schedule import_schedule(std::string_view text, const std::string& origin, int total_epochs,
                         std::vector<std::string>* notes);

// Writes the published log (JSON lists, one exploit a line), from which import_pba_log restores
// space, rule and segments. Throws Error for what that format cannot express: another space, rule
// or order of entries, probabilities that are not tenths, a single segment.
std::string export_pba_log(const Schedule& schedule);

// One row per segment and entry: segment,first_epoch,epochs,entry,op,probability,level,value.
// `value` is the level's value without sign, empty where the op ignores it.
std::string export_csv(const Schedule& schedule);

// Writes one Python file that needs only Pillow. Its class ScheduleTransform can be used as a
// torchvision transform; its augment() gives the bytes of Augmenter::augment for the same key.
// Throws Error for ops of the user, and for schedules that mix images.
std::string export_python(const Schedule& schedule);

// Writes a Python file that uses albumentations: the rule is exact, the pixels are those of that
// library. The differences are added to `deviations` as sentences, and are also written to the
// file. Throws Error as export_python, and for random erasing.
std::string export_albumentations(const Schedule& schedule, std::vector<std::string>* deviations);

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_EXCHANGE_H_
