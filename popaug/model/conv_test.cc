// ConvMode::kFast beside kExact and beside float64.
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "popaug/model/internal/mix_torch.h"
#include "popaug/model/internal/network_torch.h"
#include "popaug/model/internal/tensors_test.h"

namespace popaug {
namespace {

// A Wide-ResNet as its paper defines it, in float64, from a network's tensors by name.
struct Reference {
  explicit Reference(const Network& network) {
    for (const Parameter& p : network.parameters()) {
      tensors[p.name] = p.tensor.detach().to(at::kDouble).requires_grad_(true);
    }
  }
  Tensor norm_relu(const Tensor& x, const std::string& name) {
    return at::batch_norm(x, tensors.at(name + ".weight"), tensors.at(name + ".bias"), {}, {}, true,
                          0.1, 1e-5, false)
        .relu();
  }
  Tensor conv(const Tensor& x, const std::string& name, int stride) {
    const Tensor& weight = tensors.at(name + ".weight");
    return at::conv2d(x, weight, {}, stride, (weight.size(2) - 1) / 2);
  }
  double gradients(const Tensor& images, const Tensor& labels, double smoothing,
                   const Tensor& weights = {}) {
    Tensor x = conv(images.to(at::kDouble), "conv1", 1);
    for (int group = 1; group <= 3; ++group) {
      for (int i = 0;; ++i) {
        const std::string name = "block" + std::to_string(group) + ".layer." + std::to_string(i);
        if (!tensors.contains(name + ".conv1.weight")) break;
        const int stride = group > 1 && i == 0 ? 2 : 1;
        const Tensor a = norm_relu(x, name + ".bn1");
        const Tensor h = norm_relu(conv(a, name + ".conv1", stride), name + ".bn2");
        const bool projects = tensors.contains(name + ".convShortcut.weight");
        x = conv(h, name + ".conv2", 1) + (projects ? conv(a, name + ".convShortcut", stride) : x);
      }
    }
    const Tensor pooled = norm_relu(x, "bn1").mean(at::IntArrayRef({2, 3}));
    const Tensor logits = at::linear(pooled, tensors.at("fc.weight"), tensors.at("fc.bias"));
    const Tensor loss =
        at::cross_entropy_loss(logits, labels, weights, at::Reduction::Mean, -100, smoothing);
    loss.backward();
    return loss.item<double>();
  }
  Tensors gradients_by_name() const {
    Tensors result;
    for (const auto& [name, tensor] : tensors) result[name] = tensor.grad();
    return result;
  }
  Tensors tensors;
};

struct Step {
  double loss = 0;
  Tensors gradients, buffers;
  Tensor logits;  // in evaluation, after the step
};

std::unique_ptr<Network> network_for(const std::string& name, const Tensor& images, int classes) {
  auto network = make_network(
      name, {int(images.size(1)), int(images.size(2)), int(images.size(3)), classes}, at::kCPU);
  initialise(*network, 5, 1);
  at::NoGradGuard guard;
  uint64_t which = 100;
  for (Parameter& p : network->parameters()) {
    if (p.tensor.dim() == 1) p.tensor.add_(drawn(p.tensor.sizes(), which++, -0.2, 0.2));
  }
  return network;
}

// `autograd`: runs the units one by one, although the network has a hand-written pass.
Step step(Network& network, const Tensor& images, const Targets& labels, ConvMode conv,
          bool autograd = false) {
  Pass pass;
  pass.training = true;
  pass.conv = conv;
  Step result;
  result.loss = autograd ? network.Network::gradients(images, labels, 0.1, pass)
                         : network.gradients(images, labels, 0.1, pass);
  for (Parameter& p : network.parameters()) {
    result.gradients[p.name] = p.tensor.grad();
    p.tensor.mutable_grad() = Tensor();
  }
  for (const Buffer& b : network.buffers()) result.buffers[b.name] = b.tensor.clone();
  pass.training = false;
  at::NoGradGuard guard;
  result.logits = network.forward(images, pass).contiguous();
  return result;
}

// The gradients of a batch of mixed images are those of probabilities for all classes, in float64.
TEST(MixedLabels, BothPathsGiveTheGradientsOfDenseLabels) {
  const Tensor images = drawn({5, 3, 16, 16}, 1, -2, 2);
  const Tensor first = labels_of(5, 4);
  const Tensor second = (first + 1).remainder(4);
  const Tensor shares = at::zeros({5});
  const float values[] = {1, 0.25, 0, 0.9f, 0.5f};
  std::copy(std::begin(values), std::end(values), shares.mutable_data_ptr<float>());
  const Tensor dense = at::zeros({5, 4}, at::kDouble);
  for (int64_t i = 0; i < 5; ++i) {
    double* row = dense.mutable_data_ptr<double>() + 4 * i;
    row[first.const_data_ptr<int64_t>()[i]] += double(values[i]);
    row[second.const_data_ptr<int64_t>()[i]] += 1 - double(values[i]);
  }
  Reference reference(*network_for("wrn-10-1", images, 4));
  const double loss = reference.gradients(images, dense, 0.1);
  const Tensors right = reference.gradients_by_name();
  for (const ConvMode conv : {ConvMode::kExact, ConvMode::kFast, ConvMode::kAuto}) {
    const Step mixed =
        step(*network_for("wrn-10-1", images, 4), images, {first, second, shares}, conv);
    EXPECT_NEAR(mixed.loss, loss, 2e-5 * loss);
    EXPECT_LT(total_error(mixed.gradients, right), 1e-3);
  }
  // Without mixing, not a bit changes.
  for (const ConvMode conv : {ConvMode::kExact, ConvMode::kFast, ConvMode::kAuto}) {
    const Step one = step(*network_for("wrn-10-1", images, 4), images, first, conv);
    const Step same =
        step(*network_for("wrn-10-1", images, 4), images, {first, second, at::ones({5})}, conv);
    EXPECT_NEAR(one.loss, same.loss, 1e-6 * one.loss);
    EXPECT_LT(total_error(same.gradients, one.gradients), 1e-5);
  }
}

// With weights of classes, a mixed image weighs what its labels weigh, each by its share.
TEST(MixedLabels, AreWeighedByClass) {
  const Tensor images = drawn({5, 3, 16, 16}, 1, -2, 2);
  const Tensor first = labels_of(5, 4), second = (first + 1).remainder(4);
  const std::vector<float> weights = {0.2f, 3, 1, 0.5f};
  const float values[] = {1, 0.25, 0, 0.9f, 0.5f};
  const Tensor shares = at::zeros({5}), dense = at::zeros({5, 4}, at::kDouble);
  const Tensor numbers = at::zeros({4}, at::kDouble);
  std::copy(weights.begin(), weights.end(), numbers.mutable_data_ptr<double>());
  double all = 0;
  for (int64_t i = 0; i < 5; ++i) {
    const double share = double(values[i]);
    shares.mutable_data_ptr<float>()[i] = values[i];
    double* row = dense.mutable_data_ptr<double>() + 4 * i;
    for (const auto& [labels, part] : {std::pair(first, share), {second, 1 - share}}) {
      const auto label = static_cast<size_t>(labels.const_data_ptr<int64_t>()[i]);
      row[label] += part;
      all += part * double(weights[label]);
    }
  }
  Reference reference(*network_for("wrn-10-1", images, 4));
  // torch divides by the number of images where targets are probabilities.
  const double scale = 5 / all, loss = scale * reference.gradients(images, dense, 0, numbers);
  Tensors right = reference.gradients_by_name();
  for (auto& [name, gradient] : right) gradient = gradient * scale;
  for (const ConvMode conv : {ConvMode::kExact, ConvMode::kFast}) {
    const auto network = network_for("wrn-10-1", images, 4);
    Pass pass;
    pass.training = true;
    pass.conv = conv;
    pass.class_weights = weights;
    EXPECT_NEAR(network->gradients(images, {first, second, shares}, 0, pass), loss, 2e-5 * loss);
    Tensors gradients;
    for (const Parameter& p : network->parameters()) gradients[p.name] = p.tensor.grad();
    EXPECT_LT(total_error(gradients, right), 1e-2);
    EXPECT_LT(error(gradients.at("fc.weight"), right.at("fc.weight")), 1e-3);
  }
}

// Each feature is dropped with the probability, and images draw by their place in the whole batch.
TEST(HeadDropout, FactorsAreDrawnByPlace) {
  Pass pass;
  pass.training = true;
  pass.head_dropout = 0.25;
  const Tensor all = dropout_factors(pass, 64, 500);
  const Tensor kept = all.gt(0);
  EXPECT_NEAR(kept.to(at::kDouble).mean().item<double>(), 0.75, 0.01);  // 4 deviations: 0.0097
  EXPECT_NEAR(all.max().item<double>(), 1 / 0.75, 1e-6);
  pass.first_image = 40;
  EXPECT_TRUE(dropout_factors(pass, 24, 500).equal(all.narrow(0, 40, 24)));
  pass.step = 1;
  EXPECT_FALSE(dropout_factors(pass, 24, 500).equal(all.narrow(0, 40, 24)));
}

// Both paths drop the same features; evaluation drops none; a training of the head drops too.
TEST(HeadDropout, BothPathsDropTheSame) {
  const Tensor images = drawn({6, 3, 16, 16}, 1, -2, 2), labels = labels_of(6, 4);
  const auto run = [&](ConvMode conv, double dropout, bool head_only) {
    const auto network = network_for("wrn-10-1", images, 4);
    for (Parameter& p : network->parameters()) p.tensor.requires_grad_(!head_only || p.head);
    Pass pass;
    pass.training = !head_only;
    pass.head_only = head_only;
    pass.conv = conv;
    pass.head_dropout = dropout;
    Step result;
    result.loss = network->gradients(images, labels, 0.1, pass);
    for (const Parameter& p : network->parameters()) {
      if (p.tensor.grad().defined()) result.gradients[p.name] = p.tensor.grad();
    }
    pass.training = pass.head_only = false;
    result.logits = network->forward(images, pass);
    return result;
  };
  for (const bool head_only : {false, true}) {
    const Step exact = run(ConvMode::kExact, 0.5, head_only);
    const Step fast = run(ConvMode::kFast, 0.5, head_only);
    const Step none = run(ConvMode::kFast, 0, head_only);
    EXPECT_NEAR(fast.loss, exact.loss, 1e-4 * exact.loss);
    EXPECT_LT(total_error(fast.gradients, exact.gradients), 1e-3);
    EXPECT_GT(total_error(none.gradients, exact.gradients), 1e-2);
  }
  const Step trained = run(ConvMode::kExact, 0.5, true), plain = run(ConvMode::kExact, 0, true);
  EXPECT_TRUE(
      trained.logits.equal(plain.logits));  // of evaluation: the same weights, nothing dropped
}

class FastStep : public testing::TestWithParam<Net> {};

TEST_P(FastStep, StepEqualsExactAndFloat64) {
  const Net net = GetParam();
  const Tensor images = drawn({net.batch, net.channels, net.height, net.width}, 1, -2, 2);
  const Tensor labels = labels_of(net.batch, 10);
  const auto run = [&](ConvMode conv, bool autograd) {
    const auto network = network_for(net.name, images, 10);
    return step(*network, images, labels, conv, autograd);
  };
  Reference reference(*network_for(net.name, images, 10));
  const double loss = reference.gradients(images, labels, 0.1);
  const Tensors right = reference.gradients_by_name();
  const Step exact = run(ConvMode::kExact, false);
  const double own = total_error(exact.gradients, right);
  for (const bool autograd : {false, true}) {
    SCOPED_TRACE(autograd ? "autograd functions" : "fused");
    const Step fast = run(ConvMode::kFast, autograd);
    EXPECT_NEAR(fast.loss, loss, 2e-5 * loss);
    for (const auto& [name, gradient] : right) {
      EXPECT_EQ(fast.gradients.at(name).sizes(), gradient.sizes()) << name;
      EXPECT_LT(error(fast.gradients.at(name), gradient), 1e-3) << name;
    }
    // Twice PyTorch's own error is what docs/decisions/conv-fast.md asks for; a batch this small is
    // at the mercy of single ReLUs, so only its order is tested here.
    EXPECT_LT(total_error(fast.gradients, right), 5 * own + 1e-6);
    for (const auto& [name, buffer] : exact.buffers) {
      EXPECT_LT(error(fast.buffers.at(name), buffer), 1e-5) << name;
    }
    EXPECT_LT(error(fast.logits, exact.logits), 1e-4);
  }
  RecordProperty("own_error", std::to_string(own));
}

TEST_P(FastStep, WeighsClassesAsTorchDoes) {
  const Net net = GetParam();
  const Tensor images = drawn({net.batch, net.channels, net.height, net.width}, 1, -2, 2);
  const Tensor labels = labels_of(net.batch, 10);
  const std::vector<float> weights = {0.2f, 3, 1, 0.5f, 2, 0.1f, 4, 1, 1.5f, 0.7f};
  Tensor numbers = at::zeros({10}, at::kDouble);
  for (int c = 0; c < 10; ++c) numbers[c] = double(weights[size_t(c)]);
  for (const double smoothing : {0.0, 0.1}) {
    Reference reference(*network_for(net.name, images, 10));
    const double loss = reference.gradients(images, labels, smoothing, numbers);
    const Tensors right = reference.gradients_by_name();
    for (const bool autograd : {false, true}) {
      const auto network = network_for(net.name, images, 10);
      Pass pass;
      pass.training = true;
      pass.conv = autograd ? ConvMode::kExact : ConvMode::kFast;
      pass.class_weights = weights;
      const double own = autograd ? network->Network::gradients(images, labels, smoothing, pass)
                                  : network->gradients(images, labels, smoothing, pass);
      EXPECT_NEAR(own, loss, 2e-5 * loss);
      Tensors gradients;
      for (const Parameter& p : network->parameters()) gradients[p.name] = p.tensor.grad();
      // Only single ReLUs of these small batches lie between; other weights would change all.
      EXPECT_LT(total_error(gradients, right), 1e-2);
      for (const char* name : {"fc.weight", "fc.bias"}) {
        EXPECT_LT(error(gradients.at(name), right.at(name)), 1e-3) << name;
      }
    }
  }
}

TEST_P(FastStep, RepeatsGiveTheSameBytes) {
  const Net net = GetParam();
  const Tensor images = drawn({net.batch, net.channels, net.height, net.width}, 2, -2, 2);
  const Tensor labels = labels_of(net.batch, 10);
  // The second time in a network whose buffers another batch has used.
  const auto fresh = network_for(net.name, images, 10), used = network_for(net.name, images, 10);
  step(*used, images.flip(0).narrow(0, 0, (net.batch + 1) / 2),
       labels.narrow(0, 0, (net.batch + 1) / 2), ConvMode::kFast);
  for (const Buffer& buffer : used->buffers()) {
    buffer.tensor.fill_(buffer.name.ends_with("running_var") ? 1 : 0);
  }
  const Step first = step(*fresh, images, labels, ConvMode::kFast);
  const Step second = step(*used, images, labels, ConvMode::kFast);
  EXPECT_EQ(first.loss, second.loss);
  for (const auto& [name, gradient] : first.gradients) {
    EXPECT_TRUE(gradient.equal(second.gradients.at(name))) << name;
  }
  for (const auto& [name, buffer] : first.buffers) {
    EXPECT_TRUE(buffer.equal(second.buffers.at(name))) << name;
  }
  EXPECT_TRUE(first.logits.equal(second.logits));
}

INSTANTIATE_TEST_SUITE_P(Networks, FastStep,
                         testing::Values(Net{"wrn-16-2", 8, 3, 24, 24},
                                         Net{"wrn-10-1", 5, 1, 28, 28},
                                         Net{"wrn-10-1", 3, 3, 17, 23},
                                         Net{"wrn-16-1", 1, 3, 32, 32}),
                         [](const auto& info) { return "N" + std::to_string(info.index); });

// The default of searches depends on this: the error of the whole gradient against float64,
// compared with PyTorch's own. POPAUG_LONG=1 uses networks and batches of real size and takes
// minutes.
TEST(FastConv, GradientErrorIsAtMostTwicePyTorchs) {
  const bool real = std::getenv("POPAUG_LONG") != nullptr;
  const int64_t size = real ? 64 : 12, side = real ? 32 : 16;
  const std::vector<std::string> names = real ? std::vector<std::string>{"wrn-16-1", "wrn-28-2"}
                                              : std::vector<std::string>{"wrn-10-1"};
  for (const std::string& name : names) {
    double sums[2] = {};
    for (uint64_t batch = 0; batch < 3; ++batch) {
      const Tensor images = drawn({size, 3, side, side}, 20 + batch, -2, 2);
      const Tensor labels = labels_of(size, 10);
      Reference reference(*network_for(name, images, 10));
      reference.gradients(images, labels, 0.1);
      const Tensors right = reference.gradients_by_name();
      for (const ConvMode mode : {ConvMode::kExact, ConvMode::kFast}) {
        const auto network = network_for(name, images, 10);
        const double e = total_error(step(*network, images, labels, mode).gradients, right);
        sums[mode == ConvMode::kFast] += e;
        std::printf("%s batch %d %s: %.3g\n", name.c_str(), int(batch),
                    mode == ConvMode::kFast ? "fast" : "exact", e);
      }
    }
    std::printf("%s: fast is %.2f times exact\n", name.c_str(), sums[1] / sums[0]);
    EXPECT_LE(sums[1], (real ? 2 : 5) * sums[0]) << name;
  }
}

// A convolution without groups and bias.
Conv conv_of(Tensor weight, int stride, int padding, bool same = false) {
  return {std::move(weight), stride, padding, same, 1, {}};
}

// The units alone, which other families are made of.
TEST(FastUnits, EqualExact) {
  for (const auto& [kernel, stride] : {std::pair{3, 1}, {3, 2}, {1, 1}, {1, 2}}) {
    SCOPED_TRACE("kernel " + std::to_string(kernel) + " stride " + std::to_string(stride));
    const auto run = [&](ConvMode mode) {
      Conv conv = conv_of(drawn({24, 20, kernel, kernel}, 3).requires_grad_(true), stride,
                          (kernel - 1) / 2);
      BatchNorm norm{drawn({20}, 4, 0.5, 1.5).requires_grad_(true),
                     drawn({20}, 5).requires_grad_(true), at::zeros({20}), at::zeros({20})};
      Tensor x = drawn({3, 20, 9, 11}, 6).requires_grad_(true);
      Pass pass;
      pass.training = true;
      pass.conv = mode;
      Tensors result;
      const Tensor y = norm_relu_conv_unit(norm_relu_unit(x, norm, pass), norm, conv, pass);
      const Tensor z = conv_unit(x, conv, pass);
      (y * drawn(y.sizes(), 7) + z.square()).sum().backward();
      result["y"] = y.detach();
      result["x"] = x.grad();
      result["weight"] = conv.weight.grad();
      result["norm.weight"] = norm.weight.grad();
      result["norm.bias"] = norm.bias.grad();
      result["running_var"] = norm.running_var;
      return result;
    };
    const Tensors exact = run(ConvMode::kExact), fast = run(ConvMode::kFast);
    for (const auto& [name, tensor] : exact) {
      EXPECT_LT(error(fast.at(name), tensor), 2e-5) << name;
    }
  }
}

TEST(FastUnits, DoNotClaimWhatTheyCannotDo) {
  const Tensor x = drawn({2, 8, 6, 6}, 1);
  EXPECT_TRUE(fast_conv_fits(x, conv_of(drawn({4, 8, 3, 3}, 2), 1, 1)));
  EXPECT_FALSE(fast_conv_fits(x, conv_of(drawn({4, 8, 9, 9}, 2), 1, 4)));
  EXPECT_FALSE(fast_conv_fits(x, conv_of(drawn({4, 8, 3, 3}, 2), 1, 0)));
  EXPECT_FALSE(fast_conv_fits(x, conv_of(drawn({4, 4, 3, 3}, 2), 1, 1)));
  EXPECT_FALSE(fast_conv_fits(x, {drawn({8, 4, 3, 3}, 2), 1, 1, false, 2, {}}));  // two groups
  EXPECT_FALSE(fast_conv_fits(x, conv_of(drawn({4, 8, 3, 3}, 2), 3, 1)));
  EXPECT_FALSE(fast_conv_fits(x.to(at::kDouble), conv_of(drawn({4, 8, 3, 3}, 2), 1, 1)));
}

}  // namespace
}  // namespace popaug
