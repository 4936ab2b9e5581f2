// A network: named tensors and a forward pass.
#ifndef POPAUG_MODEL_INTERNAL_NETWORK_TORCH_H_
#define POPAUG_MODEL_INTERNAL_NETWORK_TORCH_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "popaug/model/internal/conv_torch.h"
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
  Tensor tensor;     // a leaf that requires gradients; convolutions are channels_last
  InitRule init;
  bool head = false;  // of the layer that makes the logits
};

struct Buffer {
  std::string name;
  Tensor tensor;
};

// What the images of a batch are: a class for each, or for mixed images two classes and the share
// of the first.
struct Targets {
  Tensor labels;  // [n] int64
  Tensor others;  // [n] int64; undefined: no image is mixed
  Tensor shares;  // [n] float32, 0..1, of `labels`; the rest is that of `others`

  // NOLINTNEXTLINE(google-explicit-constructor): a label is the usual target
  Targets(Tensor of_one) : labels(std::move(of_one)) {}
  Targets(Tensor first, Tensor second, Tensor share)
      : labels(std::move(first)), others(std::move(second)), shares(std::move(share)) {}
  bool mixed() const { return others.defined(); }
  // Of `count` images from `begin` on.
  Targets part(int64_t begin, int64_t count) const;
  Targets to(at::Device device) const;
};

class Network {
 public:
  virtual ~Network() = default;
  // Images [n, channels, height, width] to logits [n, classes].
  virtual Tensor forward(const Tensor& images, const Pass& pass) = 0;
  // Runs one batch forward and backward: stores the gradients with the parameters (which must have
  // none before) and returns the mean cross-entropy with label smoothing; that of a mixed image is
  // the sum over its two labels, weighted by their shares. Uses autograd through forward(), unless
  // the network has a hand-written pass.
  virtual double gradients(const Tensor& images, const Targets& targets, double smoothing,
                           const Pass& pass);
  // Whether training starts from values that came with the network instead of drawn ones.
  virtual bool brings_weights() const { return false; }

  std::vector<Parameter>& parameters() { return parameters_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::vector<Buffer>& buffers() { return buffers_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }

 protected:
  explicit Network(at::Device device) : device_(device) {}
  // Layers with their tensors registered under NAME.weight, NAME.bias, NAME.running_mean, ...
  // Padding keeps the size at stride 1; `same` and `groups` as in Conv.
  Conv add_conv(const std::string& name, int in, int out, int kernel, int stride, bool same = false,
                int groups = 1);
  BatchNorm add_norm(const std::string& name, int channels, double epsilon = 1e-5,
                     double momentum = 0.1);
  // Weights uniform in -bound .. bound, 1 / sqrt(in) where bound is 0; bias 0.
  Linear add_linear(const std::string& name, int in, int out, double bound = 0);
  // The same for the layer that makes the logits.
  Linear add_head(const std::string& name, int in, int out, double bound = 0);
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

#endif  // POPAUG_MODEL_INTERNAL_NETWORK_TORCH_H_
