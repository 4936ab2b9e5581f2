// From settings and images to what the rooms search and train want.
#ifndef POPAUG_CLI_SETUP_H_
#define POPAUG_CLI_SETUP_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/inputs.h"
#include "cli/settings.h"
#include "popaug/search/search.h"
#include "popaug/train/train.h"

namespace popaug::cli {

TrainSettings train_settings(const Settings& settings);
// Those of them that determine results, for journals and comparisons.
Json trainer_json(const Settings& settings);

// Space, rule and base transforms as the settings say. A grey set leaves out the ops that cannot
// change it; what was left out goes to `notes`.
struct SearchedAugmentation {
  Space space;
  Rule rule;
  BaseTransforms base;
  std::vector<std::string> left_out;
};
SearchedAugmentation searched_augmentation(const Settings& settings, bool grey,
                                           std::vector<std::string>* notes);

// What determines a trainer's results, beside data and policies: for records that a resumed run
// must equal.
Json trainer_record(const Settings& settings, const Inputs& inputs);

// The search's own settings; `inputs` is nullptr for trainers without images.
SearchSettings search_settings(const Settings& settings, const SearchedAugmentation& augmentation,
                               const Inputs* inputs);

// Everything that can be checked before an image is read. Throws UsageError.
void check_search(const Settings& settings);

// Workers as --workers says: 0 is one per core, or one per GPU where this program trains on
// GPUs.
int worker_count(const Settings& settings);

// What an epoch over so many images trains: whole batches.
int64_t images_of_epoch(size_t images, const Settings& settings);

// Makes the trainer of one training on `train` under a schedule, judged by `judge`; trainings are
// spread over the devices of --device in turn. The images must outlive it. Thread safe.
using ScheduleTrainers = std::function<std::unique_ptr<Trainer>(const Schedule& schedule)>;
ScheduleTrainers schedule_trainers(const Settings& settings,
                                   const std::vector<std::string>& classes, const Subset& train,
                                   const Subset& judge);

// "30m", "90s", "1.5h" in seconds; UsageError naming `flag` otherwise.
double parse_duration(const std::string& text, const std::string& flag);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_SETUP_H_
