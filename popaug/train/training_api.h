// The table of functions that libpopaug_train offers to a program that opens it at run time.
#ifndef POPAUG_TRAIN_TRAINING_API_H_
#define POPAUG_TRAIN_TRAINING_API_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/model/model.h"
#include "popaug/schedule/schedule.h"
#include "popaug/search/search.h"
#include "popaug/train/settings.h"

namespace popaug {

// Raise this number whenever a change of this file or of train.h changes what a caller compiles in.
inline constexpr int kTrainingApiVersion = 11;

// The functions of train.h and of room model's door, under their names.
struct TrainingApi {
  int version = kTrainingApiVersion;
  const char* torch_version = "";  // that the library was built for
  TrainerFactory (*make_trainer_factory)(const TrainSettings&, const Space&, const Rule&,
                                         const BaseTransforms&, const std::vector<std::string>&,
                                         const Subset&, const Subset&, const std::string&);
  TrainReport (*train_network)(const TrainSettings&, const Schedule&,
                               const std::vector<std::string>&, const Subset&, uint64_t,
                               const fs::path&, Progress&, const StopToken&, const TrainOptions&);
  Evaluation (*evaluate_checkpoint)(const fs::path&, const Subset&, int, const std::string&,
                                    Progress&);
  CheckpointInfo (*read_checkpoint_info)(const fs::path&);
  std::vector<std::string> (*network_names)();
  void (*check_network_name)(const std::string&);
  void (*check_training)(const TrainSettings&, size_t images);
  std::vector<std::string> (*init_notes)(const TrainSettings&, const std::vector<std::string>&,
                                         const ImageSet&);
  int64_t (*count_parameters)(const std::string&, int channels, int height, int width, int classes);
  uint64_t (*estimate_member_memory)(const TrainSettings&, int channels, int height, int width,
                                     int classes);
  int (*default_workers)(const std::string& device);
  std::function<void()> (*make_speed_step)(const TrainSettings&, const SpeedWork&);
};

// Never null; the library's only symbol that is looked up by name.
extern "C" const TrainingApi* popaug_training_api();

}  // namespace popaug

#endif  // POPAUG_TRAIN_TRAINING_API_H_
