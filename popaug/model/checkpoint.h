// A checkpoint: a safetensors file that describes its content (docs/formats/checkpoint.md).
#ifndef POPAUG_MODEL_CHECKPOINT_H_
#define POPAUG_MODEL_CHECKPOINT_H_

#include <memory>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/model/safetensors.h"

namespace popaug {

// Everything besides the tensors.
struct CheckpointInfo {
  std::string network;
  std::vector<std::string> classes;  // names, in label order
  int channels = 3, height = 32, width = 32;
  // How image files became such images, in the words of the settings of these names.
  std::string fit = "stretch", range = "full", background = "black";
  std::vector<float> mean, std;  // normalisation, per channel, on the 0..1 scale
  int epoch = 0;                 // epochs trained
  int64_t steps = 0;             // steps trained
  Json extra = Json::object();   // what a run adds: settings, losses
};

// Momentum of parameter NAME is the tensor kMomentumPrefix + NAME.
inline constexpr char kMomentumPrefix[] = "optimizer.momentum.";
// The average of tensor NAME, where a training keeps one. Whoever evaluates takes it for NAME.
inline constexpr char kAveragePrefix[] = "optimizer.average.";

Json checkpoint_info_to_json(const CheckpointInfo& info);
CheckpointInfo checkpoint_info_from_json(const Json& json, const std::string& origin);

// The bytes of a checkpoint, with a checksum over all of them.
std::string make_checkpoint(const CheckpointInfo& info, std::vector<RawTensor> tensors);

// A checkpoint in memory. The tensors point into `bytes`.
struct Checkpoint {
  std::unique_ptr<const std::string> bytes;
  RawTensors tensors;
  CheckpointInfo info;
};
// Throws Error if the bytes are not a checkpoint, or a damaged one. Since version 2 every
// byte counts. Files of version 1 have no checksum; only their format is checked.
Checkpoint open_checkpoint(std::string bytes, const std::string& origin);
Checkpoint load_checkpoint(const fs::path& path);

// False if the file has no checksum; throws Error if it does not fit the bytes.
bool verify_checksum(std::string_view bytes, const RawTensors& tensors, const std::string& origin);

// Reads the information from parsed tensors; Error if the file is not a checkpoint of popaug.
CheckpointInfo checkpoint_info(const RawTensors& tensors, const std::string& origin);
// What a checkpoint says of itself; checked as load_checkpoint() does.
CheckpointInfo read_checkpoint_info(const fs::path& path);

}  // namespace popaug

#endif  // POPAUG_MODEL_CHECKPOINT_H_
