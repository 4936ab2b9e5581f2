// Residual networks (He et al., arXiv 1512.03385): ResNet-20 for small images, whose shortcuts have
// no weights, and ResNet-18, -34, -50 with torchvision's names and shapes.
#include <ATen/ops/max_pool2d.h>

#include <array>
#include <memory>
#include <optional>

#include "popaug/model/internal/families_torch.h"
#include "popaug/model/internal/fused_network_torch.h"

namespace popaug {
namespace {

struct ConvNorm {
  Conv conv;
  BatchNorm norm;
};

Tensor apply(const ConvNorm& layer, const Tensor& x, Clip clip, const Pass& pass) {
  return conv_norm_unit(x, layer.conv, layer.norm, clip, pass);
}

class ResNetBase : public FusableNetwork {
 protected:
  using FusableNetwork::FusableNetwork;
  ConvNorm add(const std::string& conv, const std::string& norm, int in, int out, int kernel,
               int stride) {
    return {add_conv(conv, in, out, kernel, stride), add_norm(norm, out)};
  }
};

// Section 4.2 of the paper: 6n+2 layers, widths 16, 32, 64; shortcut option A takes every second
// pixel and adds zero channels behind.
class SmallResNet : public ResNetBase {
 public:
  SmallResNet(int depth, const NetworkShape& shape, at::Device device) : ResNetBase(device) {
    stem_ = add("conv1", "bn1", shape.channels, 16, 3, 1);
    int in = 16;
    for (int stage = 0; stage < 3; ++stage) {
      for (int i = 0; i < (depth - 2) / 6; ++i) {
        const std::string name =
            "layer" + std::to_string(stage + 1) + "." + std::to_string(i) + ".";
        const int out = 16 << stage, stride = stage > 0 && i == 0 ? 2 : 1;
        Block block;
        block.first = add(name + "conv1", name + "bn1", in, out, 3, stride);
        block.second = add(name + "conv2", name + "bn2", out, out, 3, 1);
        block.stride = stride;
        block.grow = out - in;
        blocks_.push_back(block);
        in = out;
      }
    }
    head_ = add_head("fc", in, shape.classes);
  }

 protected:
  Tensor forward_units(const Tensor& images, const Pass& pass) override {
    Tensor x = apply(stem_, images, Clip::kRelu, pass);
    for (const Block& block : blocks_) {
      const Tensor h =
          apply(block.second, apply(block.first, x, Clip::kRelu, pass), Clip::kNone, pass);
      const Tensor strided =
          block.stride == 1 ? x : x.slice(2, 0, {}, block.stride).slice(3, 0, {}, block.stride);
      x = (h + pad_channels(strided, 0, block.grow)).relu_();
    }
    return head(global_mean(x), head_, pass);
  }

  void describe(FusedBuilder& to, const Pass&) const override {
    int x = to.conv(0, stem_.conv, &stem_.norm, Clip::kRelu);
    for (const Block& block : blocks_) {
      const int h = to.conv(x, block.first.conv, &block.first.norm, Clip::kRelu);
      const int y = to.conv(h, block.second.conv, &block.second.norm, Clip::kNone);
      const bool same = block.stride == 1 && block.grow == 0;
      const int out = int(block.second.norm.weight.numel());
      x = to.add(y, same ? x : to.subsample(x, block.stride, out), Clip::kRelu);
    }
    to.head(head_);
  }

 private:
  struct Block {
    ConvNorm first, second;
    int stride = 1, grow = 0;
  };
  ConvNorm stem_;
  std::vector<Block> blocks_;
  Linear head_;
};

class ResNet : public ResNetBase {
 public:
  ResNet(int depth, const NetworkShape& shape, at::Device device) : ResNetBase(device) {
    stem_ = add("conv1", "bn1", shape.channels, 64, 7, 2);
    const bool bottleneck = depth == 50;
    const std::array<int, 4> counts = depth == 18 ? std::array{2, 2, 2, 2} : std::array{3, 4, 6, 3};
    int in = 64;
    for (int stage = 0; stage < 4; ++stage) {
      const int width = 64 << stage, out = bottleneck ? 4 * width : width;
      for (int i = 0; i < counts[stage]; ++i) {
        const std::string name =
            "layer" + std::to_string(stage + 1) + "." + std::to_string(i) + ".";
        const int stride = stage > 0 && i == 0 ? 2 : 1;
        blocks_.push_back(bottleneck ? narrow(name, in, width, stride)
                                     : basic(name, in, width, stride));
        if (in != out || stride != 1) {
          blocks_.back().shortcut =
              add(name + "downsample.0", name + "downsample.1", in, out, 1, stride);
        }
        in = out;
      }
    }
    head_ = add_head("fc", in, shape.classes);
  }

 protected:
  Tensor forward_units(const Tensor& images, const Pass& pass) override {
    Tensor x = apply(stem_, images, Clip::kRelu, pass);
    x = at::max_pool2d(x, {3, 3}, {2, 2}, {1, 1});
    for (const Block& block : blocks_) {
      Tensor h = x;
      for (size_t i = 0; i < block.layers.size(); ++i) {
        h = apply(block.layers[i], h, i + 1 < block.layers.size() ? Clip::kRelu : Clip::kNone,
                  pass);
      }
      x = (h + (block.shortcut ? apply(*block.shortcut, x, Clip::kNone, pass) : x)).relu_();
    }
    return head(global_mean(x), head_, pass);
  }

  void describe(FusedBuilder& to, const Pass&) const override {
    int x = to.max_pool(to.conv(0, stem_.conv, &stem_.norm, Clip::kRelu));
    for (const Block& block : blocks_) {
      int y = x;
      for (const ConvNorm& layer : block.layers) {
        const bool last = &layer == &block.layers.back();
        y = to.conv(y, layer.conv, &layer.norm, last ? Clip::kNone : Clip::kRelu);
      }
      const auto& shortcut = block.shortcut;
      x = to.add(y, shortcut ? to.conv(x, shortcut->conv, &shortcut->norm, Clip::kNone) : x,
                 Clip::kRelu);
    }
    to.head(head_);
  }

 private:
  struct Block {
    std::vector<ConvNorm> layers;
    std::optional<ConvNorm> shortcut;
  };

  Block basic(const std::string& name, int in, int width, int stride) {
    Block block;
    block.layers.push_back(add(name + "conv1", name + "bn1", in, width, 3, stride));
    block.layers.push_back(add(name + "conv2", name + "bn2", width, width, 3, 1));
    return block;
  }

  // The stride sits in the 3x3 convolution, as in torchvision.
  Block narrow(const std::string& name, int in, int width, int stride) {
    Block block;
    block.layers.push_back(add(name + "conv1", name + "bn1", in, width, 1, 1));
    block.layers.push_back(add(name + "conv2", name + "bn2", width, width, 3, stride));
    block.layers.push_back(add(name + "conv3", name + "bn3", width, 4 * width, 1, 1));
    return block;
  }

  ConvNorm stem_;
  std::vector<Block> blocks_;
  Linear head_;
};

int depth_of(const std::string& name) {
  const auto numbers = numbers_after(name, "resnet-", 1);
  return numbers.empty() ? 0 : numbers[0];
}

std::string small_fault(const std::string& name, bool* ours) {
  *ours = false;
  return depth_of(name) == 20 ? "" : "no ResNet for small images";
}

std::unique_ptr<Network> build_small(const std::string& name, const NetworkShape& shape,
                                     at::Device device) {
  return std::make_unique<SmallResNet>(depth_of(name), shape, device);
}

std::string fault(const std::string& name, bool* ours) {
  const int depth = depth_of(name);
  *ours = depth != 0 && depth != 20;
  if (depth == 18 || depth == 34 || depth == 50) return "";
  return "network " + quote(name) + ": ResNets are built with 18, 20, 34 or 50 layers";
}

std::unique_ptr<Network> build(const std::string& name, const NetworkShape& shape,
                               at::Device device) {
  return std::make_unique<ResNet>(depth_of(name), shape, device);
}

}  // namespace

Family small_resnet_family() { return {"resnet-20", "resnet-20", small_fault, build_small}; }
Family resnet_family() { return {"resnet-18|34|50", "resnet-18", fault, build}; }

}  // namespace popaug
