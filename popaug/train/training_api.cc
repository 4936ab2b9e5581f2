#include "popaug/train/training_api.h"

#include <torch/version.h>

#include "popaug/model/model.h"
#include "popaug/train/train.h"

namespace popaug {

std::vector<std::string> network_names() { return known_networks(); }

extern "C" const TrainingApi* popaug_training_api() {
  static const TrainingApi api = {
      .version = kTrainingApiVersion,
      .torch_version = TORCH_VERSION,
      .make_trainer_factory = &make_trainer_factory,
      .train_network = &train_network,
      .evaluate_checkpoint = &evaluate_checkpoint,
      .read_checkpoint_info = &read_checkpoint_info,
      .network_names = &network_names,
      .check_network_name = &check_network_name,
      .check_training = &check_training,
      .init_notes = &init_notes,
      .count_parameters =
          [](const std::string& network, int channels, int height, int width, int classes) {
            return count_parameters(network, {channels, height, width, classes});
          },
      .estimate_member_memory = &estimate_member_memory,
      .default_workers = &default_workers,
      .make_speed_step = &make_speed_step,
  };
  return &api;
}

}  // namespace popaug
