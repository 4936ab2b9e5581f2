// Wide-ResNet and 'ResNet-20' as the published PBA code builds them (docs/pba.md#networks):
// docs/fidelity.md lists the differences.
#include <cmath>
#include <memory>
#include <optional>

#include "popaug/model/internal/families_torch.h"

namespace popaug {
namespace {

constexpr char kPrefix[] = "wrn-published-";

struct Block {
  BatchNorm norm1, norm2;
  Conv conv1, conv2;
  int out = 0, stride = 1;
};

// A shortcut without weights: pooled by `stride`, zero channels on both sides.
Tensor carry(const Tensor& x, int64_t out, int64_t stride) {
  const int64_t grow = out - x.size(1);
  if (grow == 0) return x;
  return pad_channels(stride > 1 ? average_pool(x, stride) : x, grow / 2, grow / 2);
}

class PublishedWideResNet : public Network {
 public:
  PublishedWideResNet(int depth, int width, const NetworkShape& shape, at::Device device)
      : Network(device) {
    stem_ = add_conv("conv1", shape.channels, 16, 3, 1);
    int in = 16;
    for (int g = 0; g < 3; ++g) {
      const int out = (16 << g) * width;
      for (int i = 0; i < (depth - 4) / 6; ++i) {
        const std::string name =
            "block" + std::to_string(g + 1) + ".layer." + std::to_string(i) + ".";
        const int stride = g > 0 && i == 0 ? 2 : 1;
        Block block;
        block.norm1 = add_norm(name + "bn1", in);
        block.conv1 = add_conv(name + "conv1", in, out, 3, stride, true);
        block.norm2 = add_norm(name + "bn2", out);
        block.conv2 = add_conv(name + "conv2", out, out, 3, 1);
        block.out = out;
        block.stride = stride;
        groups_[g].push_back(block);
        in = out;
      }
    }
    norm_ = add_norm("bn1", in);
    head_ = add_head("fc", in, shape.classes, 1 / std::sqrt(double(shape.classes)));
    out_ = in;
  }

  Tensor forward(const Tensor& images, const Pass& pass) override {
    const Tensor stem = conv_unit(images, stem_, pass);
    Tensor x = stem;
    for (int g = 0; g < 3; ++g) {
      const Tensor start = x;
      for (size_t i = 0; i < groups_[g].size(); ++i) {
        const Block& block = groups_[g][i];
        const Tensor active = norm_relu_unit(x, block.norm1, pass);
        const Tensor h = conv_norm_unit(active, block.conv1, block.norm2, Clip::kRelu, pass);
        const bool shared = g == 0 && i == 0;  // its shortcut starts from the activated input
        x = carry(shared ? active : x, block.out, block.stride) + conv_unit(h, block.conv2, pass);
      }
      x = x + carry(start, groups_[g][0].out, groups_[g][0].stride);
    }
    x = x + carry(stem, out_, 4);
    return head(global_mean(norm_relu_unit(x, norm_, pass)), head_, pass);
  }

 private:
  Conv stem_;
  std::vector<Block> groups_[3];
  BatchNorm norm_;
  Linear head_;
  int out_ = 0;
};

// One stage of 9 blocks of 32 filters at full size, no stem; batch norm keeps 0.997 of the old.
class PublishedResNet : public Network {
 public:
  PublishedResNet(const NetworkShape& shape, at::Device device) : Network(device) {
    int in = shape.channels;
    for (int i = 0; i < 9; ++i) {
      const std::string name = "layer1." + std::to_string(i) + ".";
      Block block;
      block.norm1 = slow_norm(name + "bn1", in);
      block.conv1 = scaled_conv(name + "conv1", in, 3);
      block.norm2 = slow_norm(name + "bn2", kWidth);
      block.conv2 = scaled_conv(name + "conv2", kWidth, 3);
      if (i == 0) shortcut_ = scaled_conv(name + "convShortcut", in, 1);
      blocks_.push_back(block);
      in = kWidth;
    }
    norm_ = slow_norm("bn1", kWidth);
    head_ = add_head("fc", kWidth, shape.classes, std::sqrt(6.0 / (kWidth + shape.classes)));
  }

  Tensor forward(const Tensor& images, const Pass& pass) override {
    Tensor x = images;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const Block& block = blocks_[i];
      const Tensor active = norm_relu_unit(x, block.norm1, pass);
      const Tensor h = conv_norm_unit(active, block.conv1, block.norm2, Clip::kRelu, pass);
      x = conv_unit(h, block.conv2, pass) + (i == 0 ? conv_unit(active, shortcut_, pass) : x);
    }
    return head(global_mean(norm_relu_unit(x, norm_, pass)), head_, pass);
  }

 private:
  static constexpr int kWidth = 32;

  BatchNorm slow_norm(const std::string& name, int channels) {
    BatchNorm norm = add_norm(name, channels);
    norm.momentum = 1 - 0.997;
    return norm;
  }

  // TensorFlow's variance scaling by fan in: normal, cut at two deviations and widened to keep the
  // variance.
  Conv scaled_conv(const std::string& name, int in, int kernel) {
    const Conv conv = add_conv(name, in, kWidth, kernel, 1);
    parameters().back().init = {
        InitRule::Kind::kTruncatedNormal,
        std::sqrt(1.0 / (double(kernel) * kernel * in)) / 0.87962566103423978};
    return conv;
  }

  std::vector<Block> blocks_;
  Conv shortcut_;
  BatchNorm norm_;
  Linear head_;
};

std::string fault(const std::string& name, bool* ours) {
  const auto numbers = numbers_after(name, kPrefix, 2);
  *ours = !numbers.empty();
  if (!*ours) return "no published Wide-ResNet";
  if (numbers[0] < 10 || (numbers[0] - 4) % 6 != 0) {
    return "network " + quote(name) +
           ": the depth of a Wide-ResNet is 6n+4 (16, 28, 40, ...), not " +
           std::to_string(numbers[0]);
  }
  return "";
}

std::unique_ptr<Network> build(const std::string& name, const NetworkShape& shape,
                               at::Device device) {
  const auto numbers = numbers_after(name, kPrefix, 2);
  return std::make_unique<PublishedWideResNet>(numbers[0], numbers[1], shape, device);
}

std::string resnet_fault(const std::string& name, bool* ours) {
  *ours = false;
  return name == "resnet-20-published" ? "" : "not the published ResNet-20";
}

std::unique_ptr<Network> build_resnet(const std::string&, const NetworkShape& shape,
                                      at::Device device) {
  return std::make_unique<PublishedResNet>(shape, device);
}

}  // namespace

Family published_wide_resnet_family() {
  return {"wrn-published-D-K", "wrn-published-28-2", fault, build};
}
Family published_resnet_family() {
  return {"resnet-20-published", "resnet-20-published", resnet_fault, build_resnet};
}

}  // namespace popaug
