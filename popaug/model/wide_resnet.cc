// Wide residual networks (Zagoruyko and Komodakis, arXiv 1605.07146): pre-activation blocks, widths
// 16, 16k, 32k, 64k, depth 6n+4.
#include <memory>

#include "popaug/model/internal/families_torch.h"
#include "popaug/model/internal/fused_network_torch.h"

namespace popaug {
namespace {

constexpr char kPrefix[] = "wrn-";

struct Block {
  BatchNorm norm1, norm2;
  Conv conv1, conv2;
  bool projects = false;
  Conv shortcut;  // only if the block changes width or stride
};

class WideResNet : public FusableNetwork {
 public:
  WideResNet(int depth, int width, const NetworkShape& shape, at::Device device)
      : FusableNetwork(device) {
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

 protected:
  Tensor forward_units(const Tensor& images, const Pass& pass) override {
    Tensor x = conv_unit(images, stem_, pass);
    for (const Block& block : blocks_) x = apply(block, x, pass);
    return head(global_mean(norm_relu_unit(x, norm_, pass)), head_, pass);
  }

  // Pre-activation: the norm of a value is the first of the block that reads it.
  void describe(FusedBuilder& to, const Pass&) const override {
    const auto norm_after = [&](size_t blocks) {
      return blocks < blocks_.size() ? &blocks_[blocks].norm1 : &norm_;
    };
    int x = to.conv(0, stem_, norm_after(0), Clip::kRelu);
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const Block& block = blocks_[i];
      const int h = to.conv(x, block.conv1, &block.norm2, Clip::kRelu);
      const int residual = block.projects ? to.conv(x, block.shortcut, nullptr, Clip::kNone) : x;
      x = to.conv(h, block.conv2, norm_after(i + 1), Clip::kRelu, residual);
    }
    to.head(head_);
  }

 private:
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
      const Tensor h = conv_norm_unit(a, block.conv1, block.norm2, Clip::kRelu, pass);
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
