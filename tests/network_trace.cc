// Trains a network on given batches step by step and records everything, so that tests can compare
// with other implementations: network_trace REQUEST.json IN.safetensors OUT.safetensors.
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <cstdio>
#include <cstring>

#include "popaug/model/model.h"
#include "popaug/train/internal/loop_torch.h"

namespace popaug {
namespace {

Tensor tensor_of(const RawTensors& file, const std::string& name, at::ScalarType type) {
  const RawTensor* raw = file.find(name);
  if (raw == nullptr) throw Error("trace: " + quote(name) + " is missing");
  const Tensor values = at::empty(raw->shape, type);
  if (raw->bytes.size() != values.nbytes()) throw Error("trace: " + quote(name) + ": wrong type");
  std::memcpy(values.mutable_data_ptr(), raw->bytes.data(), raw->bytes.size());
  return values;
}

class Written {
 public:
  void add(const std::string& name, const Tensor& tensor) {
    kept_.push_back(tensor.detach().to(at::kFloat).contiguous().clone());
    const Tensor& flat = kept_.back();
    file_.tensors.push_back({name,
                             "F32",
                             flat.sizes().vec(),
                             {static_cast<const char*>(flat.const_data_ptr()), flat.nbytes()}});
  }
  void save(const fs::path& path) const { write_file_atomic(path, make_safetensors(file_)); }

 private:
  std::vector<Tensor> kept_;
  RawTensors file_;
};

void start_from(Network& network, const RawTensors& file) {
  at::NoGradGuard guard;
  for (const Parameter& p : network.parameters()) {
    p.tensor.copy_(tensor_of(file, p.name, at::kFloat));
  }
  for (const Buffer& b : network.buffers()) b.tensor.copy_(tensor_of(file, b.name, at::kFloat));
}

Tensor evaluation_logits(Network& network, const Tensor& images, ConvMode conv) {
  c10::InferenceMode guard;
  FoldCache folded;
  Pass pass;
  pass.conv = conv;
  pass.folded = &folded;
  return network.forward(images, pass).clone();
}

// `request`: {"network", "classes", "lr", "momentum", "weight_decay", "clip", "label_smoothing",
// "conv", "shards", "optimizer", "head_steps", "trunk_factor", "frozen_norm"}. `in` holds tensors
// "images" [steps, batch, channels, height, width] F32, "labels" [steps, batch] I64 and the
// starting weights under their names; `out` gets "evaluation" (logits of the first batch after the
// last step, with running statistics), "loss" [steps], "norm" [steps] (of the gradient with its L2
// part), "gradient.NAME" of the first step's loss, NAME after the last step, and "mix.STEP" [blocks
// * 2, batch], forth and back of each block, for networks that draw.
void trace_training(const Json& request, const fs::path& in, const fs::path& out) {
  use_one_thread();
  const std::string bytes = read_file(in);
  const RawTensors file = parse_safetensors(bytes, show_path(in));
  const Tensor images = tensor_of(file, "images", at::kFloat);
  const Tensor labels = tensor_of(file, "labels", at::kLong);
  CheckpointInfo info;
  info.network = request.at("network");
  info.classes.resize(request.at("classes").get<size_t>());
  info.channels = static_cast<int>(images.size(2));
  info.height = static_cast<int>(images.size(3));
  info.width = static_cast<int>(images.size(4));
  const bool adamw = request.value("optimizer", "sgd") == "adamw";
  LearningNetwork learning(info, at::kCPU, request.value("shards", 1), {},
                           adamw ? OptimiserKind::kAdamW : OptimiserKind::kSgd);
  Network& network = *learning.network;
  start_from(network, file);

  const StepRates rates{request.at("lr"), request.at("momentum"), request.at("weight_decay"),
                        request.at("clip"), request.value("trunk_factor", 1.0)};
  Pass pass;
  pass.frozen_norm = request.value("frozen_norm", false);
  pass.conv = conv_mode(request.at("conv"));
  Written written;
  std::vector<double> losses, norms;
  TrainSettings settings;
  settings.label_smoothing = request.at("label_smoothing");
  const auto batch_of = [&](int64_t step) {
    return images[step].contiguous(at::MemoryFormat::ChannelsLast);
  };
  for (int64_t step = 0; step < images.size(0); ++step) {
    pass.step = static_cast<uint64_t>(step);
    pass.head_only = step < request.value("head_steps", 0);
    pass.training = !pass.head_only;
    set_head_only(learning, pass.head_only);
    std::vector<Tensor> mixes;
    pass.record = learning.replicas.empty() ? &mixes : nullptr;
    losses.push_back(batch_gradients(learning, batch_of(step), labels[step], settings, pass));
    if (!mixes.empty()) {
      const int64_t rows = static_cast<int64_t>(mixes.size());
      written.add("mix." + std::to_string(step), at::cat(mixes).view({rows, -1}));
    }
    if (step == 0) {
      for (const Parameter& p : network.parameters()) {
        if (p.tensor.grad().defined()) written.add("gradient." + p.name, p.tensor.grad());
      }
    }
    norms.push_back(learning.optimiser->step(rates));
  }
  for (const Parameter& p : network.parameters()) written.add(p.name, p.tensor);
  for (const Buffer& b : network.buffers()) written.add(b.name, b.tensor);
  written.add("evaluation", evaluation_logits(network, batch_of(0), pass.conv));
  written.add("loss", at::tensor(losses));
  written.add("norm", at::tensor(norms));
  written.save(out);
}

}  // namespace
}  // namespace popaug

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    popaug::trace_training(popaug::read_json(argv[1]), argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
