// A network: named tensors and a forward pass. Private to model and train.
#ifndef POPAUG_MODEL_NETWORK_TORCH_H_
#define POPAUG_MODEL_NETWORK_TORCH_H_

#include <memory>
#include <string>
#include <vector>

#include "popaug/model/conv_torch.h"
#include "popaug/model/model.h"

namespace popaug {

// How a parameter starts (docs/fidelity.md).
struct InitRule {
  enum class Kind {
    kConstant,         // value
    kNormal,           // standard deviation `value`
    kTruncatedNormal,  // the same before it is cut at two deviations
    kUniform           // in -value .. value
  } kind = Kind::kConstant;
  double value = 0;
};

struct Parameter {
  std::string name;  // as in a PyTorch state dict
  Tensor tensor;     // a leaf that asks for gradients; convolutions are channels_last
  InitRule init;
};

struct Buffer {
  std::string name;
  Tensor tensor;
};

class Network {
 public:
  virtual ~Network() = default;
  // Images [n, channels, height, width] to logits [n, classes].
  virtual Tensor forward(const Tensor& images, const Pass& pass) = 0;
  // One batch, forward and backward: leaves the gradients with the parameters (none may be there
  // before) and returns the mean cross-entropy with label smoothing. By autograd through forward(),
  // unless the network has a schedule of its own for it.
  virtual double gradients(const Tensor& images, const Tensor& labels, double smoothing,
                           const Pass& pass);
  // Whether training starts from values that came with the network, not from drawn ones.
  virtual bool brings_weights() const { return false; }

  std::vector<Parameter>& parameters() { return parameters_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::vector<Buffer>& buffers() { return buffers_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }

 protected:
  explicit Network(at::Device device) : device_(device) {}
  // Layers with their tensors registered under NAME.weight, NAME.bias, NAME.running_mean, ...
  // Padding keeps the size at stride 1; `same` as in Conv.
  Conv add_conv(const std::string& name, int in, int out, int kernel, int stride,
                bool same = false);
  BatchNorm add_norm(const std::string& name, int channels);
  // Weights uniform in -bound .. bound, 1 / sqrt(in) where bound is 0; bias 0.
  Linear add_linear(const std::string& name, int in, int out, double bound = 0);
  Tensor add_parameter(const std::string& name, Tensor values, InitRule init);
  Tensor add_buffer(const std::string& name, Tensor values);
  at::Device device_;

 private:
  std::vector<Parameter> parameters_;
  std::vector<Buffer> buffers_;
};

// Builds a network with zero weights. Throws UsageError for an unknown name or a shape that the
// network cannot take (images too small for its strides).
std::unique_ptr<Network> make_network(const std::string& name, const NetworkShape& shape,
                                      at::Device device);

// The network of a TorchScript file, given as its bytes; `origin` names it in errors. Its
// parameters start as the file has them. Checkpoints call it kScriptNetwork.
inline constexpr char kScriptNetwork[] = "torchscript";
std::unique_ptr<Network> make_script_network(const std::string& bytes, at::Device device,
                                             const std::string& origin = "the TorchScript file");

// Draws initial values from Philox by (seed, kInit, stream, parameter's index), and resets buffers
// to the start of training (mean 0, variance 1).
void initialise(Network& network, uint64_t seed, uint64_t stream);

}  // namespace popaug

#endif  // POPAUG_MODEL_NETWORK_TORCH_H_
