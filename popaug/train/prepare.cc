// Checks settings and computes the values that every training starts from.
#include <algorithm>
#include <cmath>

#include "popaug/model/model.h"
#include "popaug/train/internal/batches.h"
#include "popaug/train/internal/loop_torch.h"
#include "popaug/train/setting_rows.h"

namespace popaug {
void check_train_settings(const TrainSettings& settings) {
  if (settings.model.empty()) check_network_name(settings.network);
  check_learning_rate_rule(settings.lr_rule);
  conv_mode(settings.conv);
  for (const TrainSettingRow& row : kTrainSettings) row.check(settings);
  if (settings.mixed_precision && !settings.device.starts_with("cuda")) {
    throw UsageError(name_setting("mixed_precision") + ": only with " + name_setting("device") +
                     " cuda; a CPU trains in float32");
  }
  if (settings.sampling == "balanced" && settings.class_weights) {
    throw UsageError(name_setting("class_weights") + ": with " + name_setting("sampling") +
                     " balanced every class trains equally often already; give one of the two");
  }
  if (settings.head_epochs > 0 && settings.init.empty()) {
    throw UsageError(name_setting("head_epochs") +
                     " trains the classifier on a network that is already trained: give " +
                     name_setting("init") + " with its weights");
  }
  const auto refuse_script = [](const std::string& what) {
    throw UsageError(
        name_setting("model") +
        ": a TorchScript file does not say which of its layers are the classifier, so " + what +
        " a built-in network");
  };
  const bool tunes = settings.head_epochs > 0 || settings.trunk_lr_factor != 1 ||
                     settings.layer_decay != 1 || settings.freeze_norm;
  if (tunes && !settings.model.empty()) {
    refuse_script(name_setting("head_epochs") + ", " + name_setting("trunk_lr_factor") + ", " +
                  name_setting("layer_decay") + " and " + name_setting("freeze_norm") + " need");
  }
  if (settings.head_dropout > 0 && !settings.model.empty()) {
    refuse_script(name_setting("head_dropout") + " needs");
  }
  if (settings.batch % settings.shards != 0) {
    throw UsageError(name_setting("shards") + ": a batch of " + std::to_string(settings.batch) +
                     " does not divide into " + std::to_string(settings.shards) + " equal shards");
  }
  if (settings.batch / settings.shards % settings.accumulate != 0) {
    throw UsageError(
        name_setting("accumulate") + ": " + std::to_string(settings.batch / settings.shards) +
        " images do not divide into " + std::to_string(settings.accumulate) + " equal parts");
  }
}

void check_training(const TrainSettings& settings, size_t images) {
  check_train_settings(settings);
  if (images > 0) steps_per_epoch(images, settings.batch);
}

void check_mixing(const BaseTransforms& base, const Subset& train,
                  const std::vector<std::string>& classes) {
  check_partners(base, train.indices);
  if (base.mixes() && classes.size() < 2) {
    throw UsageError(std::string(base.cutmix > 0 ? "cutmix" : "mixup") +
                     ": a mixed image has two labels, but the data have one class; leave mixing "
                     "out, or give images of two classes");
  }
}

Normalisation training_normalisation(const TrainSettings& settings, const Subset& train) {
  if (!settings.init.empty()) {
    if (const auto found = init_normalisation(settings.init, train.split->channels)) return *found;
  }
  return normalisation_of(train);
}

Normalisation normalisation_of(const Subset& train) {
  const ChannelStatistics statistics = channel_statistics(*train.split, train.indices);
  Normalisation result;
  for (size_t c = 0; c < statistics.mean.size(); ++c) {
    result.mean.push_back(static_cast<float>(statistics.mean[c]));
    // A channel without variation keeps its scale instead of being divided by 0.
    const double deviation = statistics.std[c];
    result.std.push_back(deviation > 0 ? static_cast<float>(deviation) : 1.0f);
  }
  return result;
}

std::unique_ptr<LearningNetwork> new_network(const TrainSettings& settings,
                                             const CheckpointInfo& info, at::Device device) {
  auto network = std::make_unique<LearningNetwork>(
      info, device, settings.shards,
      settings.model.empty() ? std::string() : read_file(settings.model),
      settings.optimizer == "adamw" ? OptimiserKind::kAdamW : OptimiserKind::kSgd);
  if (settings.ema > 0) network->average = std::make_unique<WeightAverage>(*network->network);
  return network;
}

void start_network(LearningNetwork& learning, const TrainSettings& settings, uint64_t seed,
                   uint64_t stream) {
  learning.start(seed, stream);
  if (!settings.init.empty()) load_init(learning, settings.init);
  if (learning.average != nullptr) learning.average->start();
}

std::vector<std::string> init_notes(const TrainSettings& settings,
                                    const std::vector<std::string>& classes,
                                    const ImageSet& split) {
  // Without a normalisation in the file, that of the images says nothing about the weights.
  const Normalisation theirs =
      init_normalisation(settings.init, split.channels).value_or(Normalisation{});
  const CheckpointInfo info = new_checkpoint_info(settings, classes, split, theirs);
  return load_init(*new_network(settings, info, at::kCPU), settings.init);
}

std::vector<at::Device> find_devices(const std::string& names) {
  std::vector<at::Device> devices;
  for (const std::string& name : split(names, ',')) devices.push_back(find_device(name));
  if (devices.empty()) throw UsageError("device: the list is empty");
  return devices;
}

int default_workers(const std::vector<at::Device>& devices, int cores) {
  const auto gpus = std::count_if(devices.begin(), devices.end(),
                                  [](at::Device device) { return !device.is_cpu(); });
  return gpus > 0 ? static_cast<int>(gpus) : cores;
}

int default_workers(const std::string& device) {
  return default_workers(find_devices(device), available_cores());
}

CheckpointInfo new_checkpoint_info(const TrainSettings& settings,
                                   const std::vector<std::string>& classes, const ImageSet& split,
                                   const Normalisation& normalisation) {
  CheckpointInfo info;
  info.network = settings.model.empty() ? settings.network : kScriptNetwork;
  info.classes = classes;
  info.channels = split.channels;
  info.height = split.height;
  info.width = split.width;
  info.fit = split.reading.fit;
  info.range = split.reading.range;
  info.background = split.reading.background;
  info.mean = normalisation.mean;
  info.std = normalisation.std;
  return info;
}

}  // namespace popaug
