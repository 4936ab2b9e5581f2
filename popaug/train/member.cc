#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <cstring>

#include "popaug/model/model.h"
#include "popaug/train/internal/member_torch.h"

namespace popaug {
namespace {

// The checkpoint of a TorchScript network contains the TorchScript file, so it needs nothing else.
constexpr char kScriptTensor[] = "model.torchscript";

constexpr char kRunningVar[] = "running_var";

// Row-major float32 bytes of a tensor, kept alive by `holder`.
std::string_view row_major(const Tensor& tensor, std::vector<Tensor>& holder) {
  holder.push_back(tensor.detach().to(at::kCPU).contiguous());
  const Tensor& flat = holder.back();
  return {static_cast<const char*>(flat.const_data_ptr()), size_t(flat.numel()) * 4};
}

void take_over(const Tensor& to, const std::string& name, const RawTensors& file,
               const std::string& origin) {
  const RawTensor* raw = file.find(name);
  if (raw == nullptr) throw Error(origin + ": tensor " + quote(name) + " is missing");
  if (raw->dtype != "F32") {
    throw Error(origin + ": tensor " + quote(name) + " is of type " + raw->dtype +
                ", expected F32");
  }
  if (at::IntArrayRef(raw->shape) != to.sizes()) {
    throw Error(origin + ": tensor " + quote(name) + " has another shape than the network's");
  }
  const Tensor values = at::empty(raw->shape, at::kFloat);
  std::memcpy(values.mutable_data_ptr(), raw->bytes.data(), raw->bytes.size());
  at::NoGradGuard guard;
  to.copy_(values);
}

void check_same(const CheckpointInfo& mine, const CheckpointInfo& theirs,
                const std::string& origin) {
  if (mine.network != theirs.network) {
    throw Error(origin + ": a checkpoint of " + theirs.network + ", expected " + mine.network);
  }
  if (mine.channels != theirs.channels || mine.height != theirs.height ||
      mine.width != theirs.width) {
    throw Error(origin + ": a checkpoint for images of another size or number of channels");
  }
  if (mine.classes != theirs.classes) {
    throw Error(origin + ": a checkpoint with another list of classes");
  }
}

NetworkShape shape_of(const CheckpointInfo& info) {
  return {info.channels, info.height, info.width, static_cast<int>(info.classes.size())};
}

// The tensors of a network, under their names behind `prefix`.
void load_network_tensors(Network& to, const RawTensors& file, const std::string& prefix,
                          const std::string& origin) {
  for (const Parameter& parameter : to.parameters()) {
    take_over(parameter.tensor, prefix + parameter.name, file, origin);
  }
  for (const Buffer& buffer : to.buffers()) {
    take_over(buffer.tensor, prefix + buffer.name, file, origin);
  }
}

void load_tensors(LearningNetwork& to, const RawTensors& file, bool with_momentum,
                  const std::string& origin) {
  load_network_tensors(*to.network, file, "", origin);
  if (!with_momentum) return;
  for (const Optimiser::State& state : to.training_state()) {
    take_over(state.tensor, state.name, file, origin);
  }
}

// Checks that the user's network returns one number for each class for such images.
void check_script(Network& network, const NetworkShape& shape, at::Device device) {
  c10::InferenceMode guard;
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  const Tensor logits =
      network.forward(at::zeros({2, shape.channels, shape.height, shape.width}, options), Pass());
  if (logits.size(1) != shape.classes) {
    throw Error("the TorchScript network returns " + std::to_string(logits.size(1)) +
                " numbers per image, but the data have " + std::to_string(shape.classes) +
                " classes");
  }
}

}  // namespace

LearningNetwork::LearningNetwork(const CheckpointInfo& about, at::Device device, int shards,
                                 std::string script_bytes, OptimiserKind kind)
    : info(about), script(std::move(script_bytes)) {
  // On a GPU, cuDNN chooses the fastest convolution kernels by trial. A CPU does not need this.
  if (device.is_cuda()) at::globalContext().setBenchmarkCuDNN(true);
  const auto make = [&] {
    return info.network == kScriptNetwork ? make_script_network(script, device)
                                          : make_network(info.network, shape_of(info), device);
  };
  network = make();
  if (!script.empty()) check_script(*network, shape_of(info), device);
  optimiser = std::make_unique<Optimiser>(*network, kind);
  for (int i = 1; i < shards; ++i) {
    replicas.push_back(make());
    for (size_t p = 0; p < network->parameters().size(); ++p) {
      replicas.back()->parameters()[p].tensor.set_data(network->parameters()[p].tensor.detach());
    }
  }
}

void LearningNetwork::start(uint64_t seed, uint64_t stream) {
  if (network->brings_weights()) {
    at::NoGradGuard guard;
    const auto fresh = make_script_network(script, at::kCPU);
    for (size_t i = 0; i < fresh->parameters().size(); ++i) {
      network->parameters()[i].tensor.copy_(fresh->parameters()[i].tensor);
    }
    for (size_t i = 0; i < fresh->buffers().size(); ++i) {
      network->buffers()[i].tensor.copy_(fresh->buffers()[i].tensor);
    }
  }
  initialise(*network, seed, stream);
  optimiser->reset();
  info.epoch = 0;
  info.steps = 0;
}

std::vector<Optimiser::State> LearningNetwork::training_state() const {
  std::vector<Optimiser::State> all = optimiser->state();
  if (average == nullptr) return all;
  for (Optimiser::State& state : average->state()) all.push_back(std::move(state));
  return all;
}

std::string LearningNetwork::save(bool with_momentum) const {
  std::vector<RawTensor> tensors;
  std::vector<Tensor> holder;
  const auto add = [&](const std::string& name, const Tensor& tensor) {
    tensors.push_back({name, "F32", tensor.sizes().vec(), row_major(tensor, holder)});
  };
  for (const Parameter& parameter : network->parameters()) add(parameter.name, parameter.tensor);
  for (const Buffer& buffer : network->buffers()) add(buffer.name, buffer.tensor);
  // Strict loading in PyTorch expects a counter next to the statistics of each batch norm.
  const std::string counter(reinterpret_cast<const char*>(&info.steps), sizeof(info.steps));
  for (const Buffer& buffer : network->buffers()) {
    if (!buffer.name.ends_with(kRunningVar)) continue;
    const std::string layer = buffer.name.substr(0, buffer.name.size() - sizeof(kRunningVar) + 1);
    tensors.push_back({layer + "num_batches_tracked", "I64", {}, counter});
  }
  if (!script.empty()) {
    tensors.push_back({kScriptTensor, "U8", {static_cast<int64_t>(script.size())}, script});
  }
  if (with_momentum) {
    for (const Optimiser::State& state : training_state()) add(state.name, state.tensor);
  }
  return make_checkpoint(info, std::move(tensors));
}

void LearningNetwork::load(const fs::path& path, bool with_momentum) {
  const Checkpoint checkpoint = load_checkpoint(path);
  check_same(info, checkpoint.info, show_path(path));
  load_tensors(*this, checkpoint.tensors, with_momentum, show_path(path));
  info = checkpoint.info;
}

std::unique_ptr<LearningNetwork> load_network(const fs::path& path, at::Device device) {
  const Checkpoint checkpoint = load_checkpoint(path);
  const RawTensor* script = checkpoint.tensors.find(kScriptTensor);
  auto result = std::make_unique<LearningNetwork>(
      checkpoint.info, device, 1, script == nullptr ? std::string() : std::string(script->bytes));
  Network& network = *result->network;
  const std::string averaged = kAveragePrefix + network.parameters().front().name;
  const bool averages = checkpoint.tensors.find(averaged) != nullptr;
  load_network_tensors(network, checkpoint.tensors, averages ? kAveragePrefix : "",
                       show_path(path));
  return result;
}

at::Device find_device(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  if (name == "auto") return at::hasCUDA() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  const bool numbered = name.starts_with("cuda:") && name.size() > 5 && name.size() < 9 &&
                        name.find_first_not_of("0123456789", 5) == std::string::npos;
  if (name != "cuda" && !numbered) {
    throw UsageError("device " + quote(name) + " is not known; expected cpu, cuda, cuda:N or auto");
  }
  const int count = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  const int number = numbered ? std::stoi(name.substr(5)) : 0;
  if (number >= count) {
    throw Error(
        "device " + quote(name) + ": torch sees " + std::to_string(count) + " CUDA devices here" +
        (count == 0 ? " (a CPU build of torch, or no driver); use setting \"device\" cpu" : ""));
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(number));
}

}  // namespace popaug
