// A network of the user, given as a TorchScript file.
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <sstream>

#include "popaug/model/internal/network_torch.h"

namespace popaug {
namespace {

class ScriptNetwork : public Network {
 public:
  ScriptNetwork(torch::jit::Module module, at::Device device)
      : Network(device), module_(std::move(module)) {
    for (const auto& item : module_.named_parameters()) {
      parameters().push_back({item.name, item.value.requires_grad_(true), {}});
    }
    for (const auto& item : module_.named_buffers()) {
      // Counters change no result.
      if (item.value.scalar_type() == at::kFloat) buffers().push_back({item.name, item.value});
    }
  }

  Tensor forward(const Tensor& images, const Pass& pass) override {
    if (module_.is_training() != pass.training) module_.train(pass.training);
    const Tensor logits = module_.forward({images}).toTensor();
    if (logits.dim() != 2 || logits.size(0) != images.size(0)) {
      throw Error("the TorchScript network must return [images, classes] numbers");
    }
    return logits;
  }

  bool brings_weights() const override { return true; }

 private:
  torch::jit::Module module_;
};

}  // namespace

std::unique_ptr<Network> make_script_network(const std::string& bytes, at::Device device,
                                             const std::string& origin) {
  try {
    std::istringstream stream(bytes);
    torch::jit::Module module = torch::jit::load(stream, device);
    for (const auto& item : module.named_parameters()) {
      if (item.value.scalar_type() != at::kFloat) {
        throw Error(origin + ": parameter " + quote(item.name) + " is not of float32");
      }
    }
    return std::make_unique<ScriptNetwork>(std::move(module), device);
  } catch (const c10::Error& error) {
    throw Error(origin + ": torch cannot load it as TorchScript (" +
                std::string(error.what_without_backtrace()) +
                "); make it with torch.jit.script(model).save(FILE)");
  }
}

}  // namespace popaug
