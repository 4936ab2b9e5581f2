// Wide residual networks (Zagoruyko and Komodakis, arXiv 1605.07146): pre-activation blocks, widths
// 16, 16k, 32k, 64k, depth 6n+4.
#include <memory>

#include "popaug/model/internal/families_torch.h"
#include "popaug/model/internal/fused_wide_resnet_torch.h"
#include "popaug/model/internal/mix_torch.h"

namespace popaug {
namespace {

constexpr char kPrefix[] = "wrn-";

struct Block {
  BatchNorm norm1, norm2;
  Conv conv1, conv2;
  bool projects = false;
  Conv shortcut;  // only if the block changes width or stride
};

class WideResNet : public Network {
 public:
  WideResNet(int depth, int width, const NetworkShape& shape, at::Device device) : Network(device) {
    stem_ = add_conv("conv1", shape.channels, 16, 3, 1);
    int in = 16;
    for (int group = 0; group < 3; ++group) {
      const int out = (16 << group) * width;
      for (int i = 0; i < (depth - 4) / 6; ++i) {
        const std::string name =
            "block" + std::to_string(group + 1) + ".layer." + std::to_string(i);
        blocks_.push_back(make_block(name, in, out, group > 0 && i == 0 ? 2 : 1));
        in = out;
      }
    }
    norm_ = add_norm("bn1", in);
    head_ = add_head("fc", in, shape.classes);
  }

  Tensor forward(const Tensor& images, const Pass& pass) override {
    if (!pass.training && uses_fused(images, pass)) {
      return fused_logits(runner_, fused(images, false), images);
    }
    Tensor x = conv_unit(images, stem_, pass);
    for (const Block& block : blocks_) x = apply(block, x, pass);
    return head(global_mean(norm_relu_unit(x, norm_, pass)), head_, pass);
  }

  double gradients(const Tensor& images, const Targets& targets, double smoothing,
                   const Pass& pass) override {
    if (!uses_fused(images, pass)) return Network::gradients(images, targets, smoothing, pass);
    LossRule rule{smoothing, pass.class_weights};
    Tensor dropped;
    if (pass.drops()) {
      dropped = dropout_factors(pass, images.size(0), norm_.weight.numel());
      rule.dropout = dropped.const_data_ptr<float>();
    }
    return fused_gradients(runner_, fused(images, true), images, targets, rule);
  }

 private:
  static bool uses_fused(const Tensor& images, const Pass& pass) {
    return pass.conv != ConvMode::kExact && !pass.frozen_norm && !pass.head_only &&
           fused_fits(images);
  }

  // The layers in the form of the hand-written pass.
  FusedWideResNet fused(const Tensor& images, bool training) const {
    int height = int(images.size(2)), width = int(images.size(3));
    FusedWideResNet network;
    network.stem = fused_conv(stem_, height, width, training);
    for (const Block& block : blocks_) {
      FusedBlock& to = network.blocks.emplace_back();
      to.norm1 = fused_norm(block.norm1, training);
      to.conv1 = fused_conv(block.conv1, height, width, training);
      if (block.projects) to.shortcut = fused_conv(block.shortcut, height, width, training);
      height = to.conv1.shape.out_height();
      width = to.conv1.shape.out_width();
      to.norm2 = fused_norm(block.norm2, training);
      to.conv2 = fused_conv(block.conv2, height, width, training);
    }
    network.norm = fused_norm(norm_, training);
    set_fused_head(head_, network, training);
    return network;
  }

  Block make_block(const std::string& name, int in, int out, int stride) {
    Block block;
    block.norm1 = add_norm(name + ".bn1", in);
    block.conv1 = add_conv(name + ".conv1", in, out, 3, stride);
    block.norm2 = add_norm(name + ".bn2", out);
    block.conv2 = add_conv(name + ".conv2", out, out, 3, 1);
    block.projects = in != out || stride != 1;
    if (block.projects) block.shortcut = add_conv(name + ".convShortcut", in, out, 1, stride);
    return block;
  }

  static Tensor apply(const Block& block, const Tensor& x, const Pass& pass) {
    if (!pass.training && pass.folded != nullptr) {
      const Tensor a = norm_relu_unit(x, block.norm1, pass);
      const Tensor h = conv_norm_unit(a, block.conv1, block.norm2, true, pass);
      return conv_unit(h, block.conv2, pass)
          .add_(block.projects ? conv_unit(a, block.shortcut, pass) : x);
    }
    if (!block.projects) {
      const Tensor h = norm_relu_conv_unit(x, block.norm1, block.conv1, pass);
      return norm_relu_conv_unit(h, block.norm2, block.conv2, pass) + x;
    }
    const Tensor a = norm_relu_unit(x, block.norm1, pass);
    const Tensor h = conv_unit(a, block.conv1, pass);
    return norm_relu_conv_unit(h, block.norm2, block.conv2, pass) +
           conv_unit(a, block.shortcut, pass);
  }

  Conv stem_;
  std::vector<Block> blocks_;
  BatchNorm norm_;
  Linear head_;
  FusedWideResNetRunner runner_;  // of ConvMode::kFast and kAuto
};

std::string fault(const std::string& name, bool* ours) {
  const auto numbers = numbers_after(name, kPrefix, 2);
  *ours = !numbers.empty();
  if (!*ours) return "no Wide-ResNet";
  if (numbers[0] < 10 || (numbers[0] - 4) % 6 != 0) {
    return "network " + quote(name) +
           ": the depth of a Wide-ResNet is 6n+4 (10, 16, 22, 28, 34, 40, ...), not " +
           std::to_string(numbers[0]);
  }
  return "";
}

std::unique_ptr<Network> build(const std::string& name, const NetworkShape& shape,
                               at::Device device) {
  const auto numbers = numbers_after(name, kPrefix, 2);
  return std::make_unique<WideResNet>(numbers[0], numbers[1], shape, device);
}

}  // namespace

Family wide_resnet_family() { return {"wrn-D-K", "wrn-28-2", fault, build}; }

}  // namespace popaug
