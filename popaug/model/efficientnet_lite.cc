// EfficientNet-Lite: EfficientNet (Tan and Le, arXiv 1905.11946) without squeeze-and-excitation,
// with ReLU6, and with a stem, a head and first and last stages that do not grow. Names, padding
// and batch norm are those of timm's tf_efficientnet_lite0 to 4; dropout is left out
// (docs/fidelity.md).
#include <array>
#include <cmath>
#include <memory>
#include <optional>

#include "popaug/model/internal/families_torch.h"
#include "popaug/model/internal/fused_network_torch.h"

namespace popaug {
namespace {

constexpr char kPrefix[] = "efficientnet-lite-";
constexpr int kStem = 32, kHead = 1280;
constexpr double kEpsilon = 1e-3;

// Factors of widths and depths, from EfficientNet-Lite0 to Lite4.
struct Factors {
  double width, depth;
};
constexpr std::array<Factors, 5> kFactors = {
    {{1.0, 1.0}, {1.0, 1.1}, {1.1, 1.2}, {1.2, 1.4}, {1.4, 1.8}}};

struct Stage {
  int repeats, kernel, stride, expansion, out;
};
constexpr std::array<Stage, 7> kStages = {{{1, 3, 1, 1, 16},
                                           {2, 3, 2, 6, 24},
                                           {2, 5, 2, 6, 40},
                                           {3, 3, 2, 6, 80},
                                           {3, 5, 1, 6, 112},
                                           {4, 5, 2, 6, 192},
                                           {1, 3, 1, 6, 320}}};

// The nearest multiple of 8, but not below nine tenths of the width.
int scaled_width(int width, double factor) {
  const double wanted = width * factor;
  const int rounded = std::max(8, static_cast<int>(wanted + 4) / 8 * 8);
  return rounded < 0.9 * wanted ? rounded + 8 : rounded;
}

// The first and the last stage keep their number of blocks.
int scaled_depth(size_t stage, double factor) {
  const int repeats = kStages[stage].repeats;
  if (stage == 0 || stage + 1 == kStages.size()) return repeats;
  return static_cast<int>(std::ceil(repeats * factor));
}

class EfficientNetLite : public FusableNetwork {
 public:
  EfficientNetLite(const Factors& factors, const NetworkShape& shape, at::Device device)
      : FusableNetwork(device) {
    stem_ = add("conv_stem", "bn1", shape.channels, kStem, 3, 2, 1);
    int in = kStem;
    for (size_t s = 0; s < kStages.size(); ++s) {
      const int out = scaled_width(kStages[s].out, factors.width);
      for (int i = 0; i < scaled_depth(s, factors.depth); ++i) {
        const std::string name = "blocks." + std::to_string(s) + "." + std::to_string(i) + ".";
        blocks_.push_back(block(name, in, out, kStages[s], i == 0 ? kStages[s].stride : 1));
        in = out;
      }
    }
    last_ = add("conv_head", "bn2", in, kHead, 1, 1, 1);
    head_ = add_head("classifier", kHead, shape.classes);
  }

 protected:
  Tensor forward_units(const Tensor& images, const Pass& pass) override {
    Tensor x = apply(stem_, images, Clip::kRelu6, pass);
    for (const Block& block : blocks_) {
      const Tensor wide = block.expand ? apply(*block.expand, x, Clip::kRelu6, pass) : x;
      const Tensor deep = apply(block.depthwise, wide, Clip::kRelu6, pass);
      const Tensor h = apply(block.project, deep, Clip::kNone, pass);
      x = block.adds ? h + x : h;
    }
    return head(global_mean(apply(last_, x, Clip::kRelu6, pass)), head_, pass);
  }

  void describe(FusedBuilder& to, const Pass&) const override {
    const auto conv = [&](int x, const ConvNorm& layer, Clip clip) {
      return to.conv(x, layer.conv, &layer.norm, clip);
    };
    int x = conv(0, stem_, Clip::kRelu6);
    for (const Block& block : blocks_) {
      const int wide = block.expand ? conv(x, *block.expand, Clip::kRelu6) : x;
      const int deep = conv(wide, block.depthwise, Clip::kRelu6);
      const int y = conv(deep, block.project, Clip::kNone);
      x = block.adds ? to.add(y, x, Clip::kNone) : y;
    }
    conv(x, last_, Clip::kRelu6);
    to.head(head_);
  }

 private:
  struct ConvNorm {
    Conv conv;
    BatchNorm norm;
  };
  struct Block {
    std::optional<ConvNorm> expand;
    ConvNorm depthwise, project;
    bool adds = false;
  };

  static Tensor apply(const ConvNorm& layer, const Tensor& x, Clip clip, const Pass& pass) {
    return conv_norm_unit(x, layer.conv, layer.norm, clip, pass);
  }

  ConvNorm add(const std::string& conv, const std::string& norm, int in, int out, int kernel,
               int stride, int groups) {
    return {add_conv(conv, in, out, kernel, stride, true, groups), add_norm(norm, out, kEpsilon)};
  }

  // timm counts the batch norms of a block in their order, so their numbers depend on whether the
  // block expands.
  Block block(const std::string& name, int in, int out, const Stage& stage, int stride) {
    Block made;
    const int wide = in * stage.expansion;
    if (stage.expansion > 1) made.expand = add(name + "conv_pw", name + "bn1", in, wide, 1, 1, 1);
    made.depthwise = add(name + "conv_dw", name + (made.expand ? "bn2" : "bn1"), wide, wide,
                         stage.kernel, stride, wide);
    made.project = add(name + (made.expand ? "conv_pwl" : "conv_pw"),
                       name + (made.expand ? "bn3" : "bn2"), wide, out, 1, 1, 1);
    made.adds = in == out && stride == 1;
    return made;
  }

  ConvNorm stem_, last_;
  std::vector<Block> blocks_;
  Linear head_;
};

// The number of the network, or -1. It may be 0, so numbers_after() cannot read it.
int variant_of(const std::string& name) {
  const std::string prefix = kPrefix;
  if (!name.starts_with(prefix) || name.size() != prefix.size() + 1) return -1;
  const int variant = name.back() - '0';
  return variant >= 0 && variant < static_cast<int>(kFactors.size()) ? variant : -1;
}

std::string fault(const std::string& name, bool* ours) {
  *ours = name.starts_with(kPrefix);
  if (variant_of(name) >= 0) return "";
  return "network " + quote(name) + ": EfficientNet-Lite is built as " + kPrefix + "0 to " +
         kPrefix + "4";
}

std::unique_ptr<Network> build(const std::string& name, const NetworkShape& shape,
                               at::Device device) {
  return std::make_unique<EfficientNetLite>(kFactors[variant_of(name)], shape, device);
}

}  // namespace

Family efficientnet_lite_family() {
  return {"efficientnet-lite-0|1|2|3|4", "efficientnet-lite-0", fault, build};
}

}  // namespace popaug
