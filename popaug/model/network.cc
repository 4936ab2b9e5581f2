#include "popaug/model/internal/network_torch.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "popaug/model/internal/families_torch.h"

namespace popaug {
namespace {

// The name as this project spells it, of one that torchvision or a paper spells otherwise:
// "resnet50", "WRN_28_10".
std::string respelled(const std::string& name) {
  std::string out;
  for (const char c : lower_case(name)) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && !out.empty() && out.back() >= 'a' && out.back() <= 'z') out += '-';
    out += c == '_' || c == ' ' ? '-' : c;
  }
  return out;
}

const Family& family_of(const std::string& name) {
  std::vector<std::string> examples;
  for (const Family& family : families()) {
    bool ours = false;
    const std::string fault = family.fault(name, &ours);
    if (fault.empty()) return family;
    if (ours) throw UsageError(fault);
    examples.push_back(family.example);
  }
  const std::string likely = respelled(name);
  for (const Family& family : families()) {
    bool ours = false;
    if (family.fault(likely, &ours).empty()) examples = {likely};
  }
  throw UsageError(unknown_name("network", name, examples));
}

float draw_one(const InitRule& rule, Random& random) {
  switch (rule.kind) {
    case InitRule::Kind::kConstant:
      break;
    case InitRule::Kind::kNormal:
      return static_cast<float>(rule.value * random.normal());
    case InitRule::Kind::kTruncatedNormal: {
      double value = random.normal();
      while (std::abs(value) > 2) value = random.normal();
      return static_cast<float>(rule.value * value);
    }
    case InitRule::Kind::kUniform:
      return static_cast<float>(rule.value * (2 * random.uniform() - 1));
  }
  return static_cast<float>(rule.value);
}

// Draws values in the row-major order of the shape, whatever the memory format is.
void draw(const Parameter& parameter, Random random) {
  const Tensor values = at::empty(parameter.tensor.sizes(), at::kFloat);
  float* out = values.mutable_data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) out[i] = draw_one(parameter.init, random);
  parameter.tensor.copy_(values);
}

// While an object of this class exists, operations on a GPU that gain from it run in bfloat16. Its
// range is large enough that the loss needs no scaling.
class HalfPrecision {
 public:
  explicit HalfPrecision(bool on) : on_(on) {
    if (!on_) return;
    at::autocast::set_autocast_enabled(at::kCUDA, true);
    at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~HalfPrecision() {
    if (!on_) return;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCUDA, false);
  }
  HalfPrecision(const HalfPrecision&) = delete;
  HalfPrecision& operator=(const HalfPrecision&) = delete;

 private:
  bool on_;
};

}  // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      wide_resnet_family(),           small_resnet_family(),         resnet_family(),
      shake_shake_family(),           pyramidnet_family(),           published_wide_resnet_family(),
      published_shake_shake_family(), published_pyramidnet_family(), published_resnet_family(),
      efficientnet_lite_family(),     mobilenet_v3_family()};
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

Targets Targets::part(int64_t begin, int64_t count) const {
  if (!mixed()) return labels.narrow(0, begin, count);
  return {labels.narrow(0, begin, count), others.narrow(0, begin, count),
          shares.narrow(0, begin, count)};
}

Targets Targets::to(at::Device device) const {
  const auto moved = [&](const Tensor& tensor) { return tensor.to(device, /*non_blocking=*/true); };
  if (!mixed()) return moved(labels);
  return {moved(labels), moved(others), moved(shares)};
}

namespace {

// The weights of the classes in the loss; undefined where there are none.
Tensor weights_of(const Pass& pass, at::Device device) {
  if (pass.class_weights.empty()) return {};
  Tensor weights = at::empty({static_cast<int64_t>(pass.class_weights.size())}, at::kFloat);
  std::copy(pass.class_weights.begin(), pass.class_weights.end(),
            weights.mutable_data_ptr<float>());
  return weights.to(device);
}

Tensor loss_of(const Tensor& logits, const Targets& targets, double smoothing,
               const Tensor& weights) {
  const auto entropy = [&](const Tensor& labels, at::Reduction::Reduction reduction) {
    return at::cross_entropy_loss(logits, labels, weights, reduction, -100, smoothing);
  };
  if (!targets.mixed()) return entropy(targets.labels, at::Reduction::Mean);
  const Tensor first = entropy(targets.labels, at::Reduction::None);
  const Tensor second = entropy(targets.others, at::Reduction::None);
  const Tensor losses = second + targets.shares * (first - second);
  if (!weights.defined()) return losses.mean();
  // As torch does for one label: the sum over the sum of the weights.
  const Tensor first_weight = weights.index_select(0, targets.labels);
  const Tensor second_weight = weights.index_select(0, targets.others);
  return losses.sum() / (second_weight + targets.shares * (first_weight - second_weight)).sum();
}

}  // namespace

double Network::gradients(const Tensor& images, const Targets& targets, double smoothing,
                          const Pass& pass) {
  Tensor logits;
  {
    const HalfPrecision guard(pass.half_precision);
    logits = forward(images, pass).to(at::kFloat);
  }
  const Tensor loss = loss_of(logits, targets, smoothing, weights_of(pass, logits.device()));
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

Conv Network::add_conv(const std::string& name, int in, int out, int kernel, int stride, bool same,
                       int groups) {
  const auto options = at::TensorOptions().device(device_).dtype(at::kFloat);
  Conv conv;
  // He et al. (arXiv 1502.01852) with the fan of the output, as the authors of Wide-ResNet do.
  const double deviation = std::sqrt(2.0 * groups / (double(kernel) * kernel * out));
  conv.weight = add_parameter(name + ".weight",
                              at::zeros({out, in / groups, kernel, kernel}, options)
                                  .contiguous(at::MemoryFormat::ChannelsLast),
                              {InitRule::Kind::kNormal, deviation});
  conv.stride = stride;
  conv.padding = kernel / 2;
  conv.same = same && stride > 1;  // at stride 1 both rules pad alike
  conv.groups = groups;
  return conv;
}

BatchNorm Network::add_norm(const std::string& name, int channels, double epsilon,
                            double momentum) {
  const auto options = at::TensorOptions().device(device_).dtype(at::kFloat);
  BatchNorm norm;
  norm.epsilon = epsilon;
  norm.momentum = momentum;
  norm.weight = add_parameter(name + ".weight", at::ones({channels}, options),
                              {InitRule::Kind::kConstant, 1});
  norm.bias =
      add_parameter(name + ".bias", at::zeros({channels}, options), {InitRule::Kind::kConstant, 0});
  norm.running_mean = add_buffer(name + ".running_mean", at::zeros({channels}, options));
  norm.running_var = add_buffer(name + ".running_var", at::ones({channels}, options));
  return norm;
}

Linear Network::add_linear(const std::string& name, int in, int out, double bound) {
  const auto options = at::TensorOptions().device(device_).dtype(at::kFloat);
  Linear layer;
  layer.weight =
      add_parameter(name + ".weight", at::zeros({out, in}, options),
                    {InitRule::Kind::kUniform, bound > 0 ? bound : 1 / std::sqrt(double(in))});
  layer.bias =
      add_parameter(name + ".bias", at::zeros({out}, options), {InitRule::Kind::kConstant, 0});
  return layer;
}

Linear Network::add_head(const std::string& name, int in, int out, double bound) {
  const Linear layer = add_linear(name, in, out, bound);
  for (Parameter& parameter : parameters_) {
    parameter.head = parameter.head || parameter.tensor.is_same(layer.weight) ||
                     parameter.tensor.is_same(layer.bias);
  }
  return layer;
}

std::unique_ptr<Network> make_network(const std::string& name, const NetworkShape& shape,
                                      at::Device device) {
  return family_of(name).build(name, shape, device);
}

void initialise(Network& network, uint64_t seed, uint64_t stream) {
  if (network.brings_weights()) return;
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

int64_t count_activations(const std::string& network, const NetworkShape& shape) {
  const auto built = make_network(network, shape, at::kCPU);
  int64_t count = 0;
  Pass pass;
  pass.activations = &count;
  at::NoGradGuard guard;
  built->forward(at::zeros({1, shape.channels, shape.height, shape.width}), pass);
  return count;
}

int64_t count_parameters(const std::string& network, const NetworkShape& shape) {
  const auto built = make_network(network, shape, at::kMeta);
  int64_t count = 0;
  for (const Parameter& parameter : built->parameters()) {
    count += parameter.tensor.numel();
  }
  return count;
}

}  // namespace popaug
