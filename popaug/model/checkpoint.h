// A checkpoint: a safetensors file that says what it is (docs/formats/checkpoint.md).
#ifndef POPAUG_MODEL_CHECKPOINT_H_
#define POPAUG_MODEL_CHECKPOINT_H_

#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/model/safetensors.h"

namespace popaug {

// Everything beside the tensors.
struct CheckpointInfo {
  std::string network;
  std::vector<std::string> classes;  // names, in label order
  int channels = 3, height = 32, width = 32;
  std::vector<float> mean, std;  // normalisation, per channel, on the 0..1 scale
  int epoch = 0;                 // epochs trained
  int64_t steps = 0;             // steps trained
  Json extra = Json::object();   // what a run adds: settings, losses
};

// Momentum of parameter NAME is the tensor kMomentumPrefix + NAME.
inline constexpr char kMomentumPrefix[] = "optimizer.momentum.";

Json checkpoint_info_to_json(const CheckpointInfo& info);
CheckpointInfo checkpoint_info_from_json(const Json& json, const std::string& origin);

// The information of parsed tensors; Error if the file is no checkpoint of ours.
CheckpointInfo checkpoint_info(const RawTensors& tensors, const std::string& origin);
// Reads only what the file says of itself.
CheckpointInfo read_checkpoint_info(const fs::path& path);

}  // namespace popaug

#endif  // POPAUG_MODEL_CHECKPOINT_H_
