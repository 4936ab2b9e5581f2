#include "popaug/model/network_torch.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "popaug/model/families_torch.h"

namespace popaug {
namespace {

const Family& family_of(const std::string& name) {
  std::vector<std::string> examples;
  for (const Family& family : families()) {
    bool ours = false;
    const std::string fault = family.fault(name, &ours);
    if (fault.empty()) return family;
    if (ours) throw UsageError(fault);
    examples.push_back(family.example);
  }
  throw UsageError(unknown_name("network", name, examples));
}

void draw(const Parameter& parameter, Random random) {
  // Drawn in the row-major order of the shape, whatever the memory format.
  const Tensor values = at::empty(parameter.tensor.sizes(), at::kFloat);
  float* out = values.mutable_data_ptr<float>();
  const double value = parameter.init.value;
  for (int64_t i = 0; i < values.numel(); ++i) {
    switch (parameter.init.kind) {
      case InitRule::Kind::kConstant:
        out[i] = static_cast<float>(value);
        break;
      case InitRule::Kind::kNormal:
        out[i] = static_cast<float>(value * random.normal());
        break;
      case InitRule::Kind::kUniform:
        out[i] = static_cast<float>(value * (2 * random.uniform() - 1));
        break;
    }
  }
  parameter.tensor.copy_(values);
}

}  // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> all = {wide_resnet_family()};
  return all;
}

std::vector<int> numbers_after(const std::string& name, const std::string& prefix, size_t count) {
  if (!name.starts_with(prefix)) return {};
  std::vector<int> numbers(1, 0);
  bool digits = false;
  for (const char c : name.substr(prefix.size())) {
    if (c >= '0' && c <= '9') {
      numbers.back() = numbers.back() * 10 + (c - '0');
      digits = true;
      if (numbers.back() == 0 || numbers.back() >= 10000) return {};
    } else if (c == '-' && digits) {
      numbers.push_back(0);
      digits = false;
    } else {
      return {};
    }
  }
  return digits && numbers.size() == count ? numbers : std::vector<int>();
}

double Network::gradients(const Tensor& images, const Tensor& labels, double smoothing,
                          const Pass& pass) {
  const Tensor loss = at::cross_entropy_loss(forward(images, pass), labels, {}, at::Reduction::Mean,
                                             -100, smoothing);
  loss.backward();
  return loss.item<double>();
}

Tensor Network::add_parameter(const std::string& name, Tensor values, InitRule init) {
  values.requires_grad_(true);
  parameters_.push_back({name, values, init});
  return values;
}

Tensor Network::add_buffer(const std::string& name, Tensor values) {
  buffers_.push_back({name, values});
  return values;
}

Conv Network::add_conv(const std::string& name, int in, int out, int kernel, int stride,
                       int padding) {
  const auto options = at::TensorOptions().device(device_).dtype(at::kFloat);
  Conv conv;
  // He et al. (arXiv 1502.01852) with the fan of the output, as the authors of Wide-ResNet do.
  const double deviation = std::sqrt(2.0 / (double(kernel) * kernel * out));
  conv.weight = add_parameter(
      name + ".weight",
      at::zeros({out, in, kernel, kernel}, options).contiguous(at::MemoryFormat::ChannelsLast),
      {InitRule::Kind::kNormal, deviation});
  conv.stride = stride;
  conv.padding = padding;
  return conv;
}

BatchNorm Network::add_norm(const std::string& name, int channels) {
  const auto options = at::TensorOptions().device(device_).dtype(at::kFloat);
  BatchNorm norm;
  norm.weight = add_parameter(name + ".weight", at::ones({channels}, options),
                              {InitRule::Kind::kConstant, 1});
  norm.bias =
      add_parameter(name + ".bias", at::zeros({channels}, options), {InitRule::Kind::kConstant, 0});
  norm.running_mean = add_buffer(name + ".running_mean", at::zeros({channels}, options));
  norm.running_var = add_buffer(name + ".running_var", at::ones({channels}, options));
  return norm;
}

Linear Network::add_linear(const std::string& name, int in, int out) {
  const auto options = at::TensorOptions().device(device_).dtype(at::kFloat);
  Linear layer;
  layer.weight = add_parameter(name + ".weight", at::zeros({out, in}, options),
                               {InitRule::Kind::kUniform, 1 / std::sqrt(double(in))});
  layer.bias =
      add_parameter(name + ".bias", at::zeros({out}, options), {InitRule::Kind::kConstant, 0});
  return layer;
}

std::unique_ptr<Network> make_network(const std::string& name, const NetworkShape& shape,
                                      at::Device device) {
  return family_of(name).build(name, shape, device);
}

void initialise(Network& network, uint64_t seed, uint64_t stream) {
  at::NoGradGuard guard;
  for (size_t i = 0; i < network.parameters().size(); ++i) {
    draw(network.parameters()[i], Random({seed, Purpose::kInit, stream, 0, i}));
  }
  for (const Buffer& buffer : network.buffers()) {
    buffer.tensor.fill_(buffer.name.ends_with("running_var") ? 1 : 0);
  }
}

std::vector<std::string> known_networks() {
  std::vector<std::string> names;
  for (const Family& family : families()) names.push_back(family.pattern);
  return names;
}

void check_network_name(const std::string& name) { family_of(name); }

int64_t count_parameters(const std::string& network, const NetworkShape& shape) {
  const auto built = make_network(network, shape, at::kMeta);
  int64_t count = 0;
  for (const Parameter& parameter : built->parameters()) {
    count += parameter.tensor.numel();
  }
  return count;
}

}  // namespace popaug
