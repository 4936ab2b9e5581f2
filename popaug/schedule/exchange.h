// Other people's files: the published log of PBA and AutoAugment's lists, in; both and more, out.
#ifndef POPAUG_SCHEDULE_EXCHANGE_H_
#define POPAUG_SCHEDULE_EXCHANGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "popaug/schedule/value.h"

namespace popaug {

// Reads a published log (REFERENCE 6): lines of Python or JSON lists, each config a list of 60
// numbers or an object with the key hp_policy. `total_epochs` closes the last segment. What was
// dropped or assumed goes to `notes` as sentences. The base transforms are those of CIFAR
// (REFERENCE 3), since a log has none: the caller may set others.
Schedule import_pba_log(std::string_view text, const std::string& origin, int total_epochs,
                        std::vector<std::string>* notes);

// Reads AutoAugment sub-policies, a JSON or Python list of [[op, probability, level], ..], all
// groups of one size: one segment of one epoch, base transforms of CIFAR.
Schedule import_autoaugment(std::string_view text, const std::string& origin);

// Any of the above or our own format, recognised by content. `total_epochs` 0: not given, which is
// an error for a published log.
Schedule import_schedule(std::string_view text, const std::string& origin, int total_epochs,
                         std::vector<std::string>* notes);

// The published log (JSON lists, one exploit a line), such that import_pba_log gives back space,
// rule and segments. Throws Error for what that format cannot say: another space, rule or order of
// entries, probabilities that are no tenths, a single segment.
std::string export_pba_log(const Schedule& schedule);

// One row per segment and entry: segment,first_epoch,epochs,entry,op,probability,level,value.
// `value` is the level's value without sign, empty where the op ignores it.
std::string export_csv(const Schedule& schedule);

// One Python file that needs only Pillow: the class ScheduleTransform, usable as a torchvision
// transform, whose augment() gives the bytes of Augmenter::augment for the same key. Throws Error
// for ops of the user's own.
std::string export_python(const Schedule& schedule);

// A Python file on albumentations: the rule is exact, the pixels are that library's own. How they
// differ goes to `deviations` as sentences, which also stand in the file.
std::string export_albumentations(const Schedule& schedule, std::vector<std::string>* deviations);

}  // namespace popaug

#endif  // POPAUG_SCHEDULE_EXCHANGE_H_
