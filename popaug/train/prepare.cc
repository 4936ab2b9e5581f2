// Checks and values that every training starts from.
#include <algorithm>
#include <cmath>

#include "popaug/model/model.h"
#include "popaug/train/loop_torch.h"

namespace popaug {
namespace {

void check_range(const char* key, double value, double low, double high) {
  if (!(value >= low && value <= high)) {
    throw UsageError(std::string(key) + ": " + number_text(value) + " is not in " +
                     number_text(low) + " .. " + number_text(high));
  }
}

}  // namespace

void check_train_settings(const TrainSettings& settings) {
  if (settings.model.empty()) check_network_name(settings.network);
  check_learning_rate_rule(settings.lr_rule);
  conv_mode(settings.conv);
  check_range("batch", settings.batch, 1, 1 << 16);
  check_range("lr", settings.lr, 0, 1000);
  check_range("weight-decay", settings.weight_decay, 0, 1000);
  check_range("momentum", settings.momentum, 0, 1);
  check_range("clip", settings.clip, 0, 1e9);
  check_range("label-smoothing", settings.label_smoothing, 0, 1);
  check_range("warmup-steps", settings.warmup_steps, 0, 1 << 30);
  check_range("resized-crop", settings.resized_crop, 0, 1);
  check_range("shards", settings.shards, 1, 1024);
  if (settings.mixed_precision && !settings.device.starts_with("cuda")) {
    throw UsageError("mixed-precision: only with --device cuda; a CPU trains in float32");
  }
  if (settings.batch % settings.shards != 0) {
    throw UsageError("shards: a batch of " + std::to_string(settings.batch) +
                     " does not divide into " + std::to_string(settings.shards) + " equal shards");
  }
}

BaseTransforms trained_base(const BaseTransforms& base, const TrainSettings& settings) {
  BaseTransforms trained = base;
  trained.scale_pixels = base.scale_pixels && !settings.paper_pixels;
  if (settings.resized_crop > 0) trained.use_resized_crop(settings.resized_crop);
  return trained;
}

Normalisation normalisation_of(const Subset& train) {
  const ChannelStatistics statistics = channel_statistics(*train.split, train.indices);
  Normalisation result;
  for (size_t c = 0; c < statistics.mean.size(); ++c) {
    result.mean.push_back(static_cast<float>(statistics.mean[c]));
    // A channel without any variation is left at its scale rather than divided by 0.
    const double deviation = statistics.std[c];
    result.std.push_back(deviation > 0 ? static_cast<float>(deviation) : 1.0f);
  }
  return result;
}

std::unique_ptr<LearningNetwork> new_network(const TrainSettings& settings,
                                             const CheckpointInfo& info, at::Device device) {
  return std::make_unique<LearningNetwork>(
      info, device, settings.shards,
      settings.model.empty() ? std::string() : read_file(settings.model));
}

void start_network(LearningNetwork& learning, const TrainSettings& settings, uint64_t seed,
                   uint64_t stream, std::vector<std::string>* notes) {
  learning.start(seed, stream);
  if (settings.init.empty()) return;
  const std::vector<std::string> said = load_init(*learning.network, settings.init);
  if (notes != nullptr) notes->insert(notes->end(), said.begin(), said.end());
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
                                   const std::vector<std::string>& classes, const Split& split,
                                   const Normalisation& normalisation) {
  CheckpointInfo info;
  info.network = settings.model.empty() ? settings.network : kScriptNetwork;
  info.classes = classes;
  info.channels = split.channels;
  info.height = split.height;
  info.width = split.width;
  info.mean = normalisation.mean;
  info.std = normalisation.std;
  return info;
}

}  // namespace popaug
