// MobileNetV3 (Howard et al., arXiv 1905.02244, tables 1 and 2). Names and layers are those of
// torchvision; dropout is left out (docs/fidelity.md).
#include <ATen/ops/hardsigmoid.h>

#include <cmath>
#include <memory>
#include <optional>

#include "popaug/model/internal/families_torch.h"

namespace popaug {
namespace {

constexpr int kStem = 16;
constexpr double kEpsilon = 1e-3, kMomentum = 0.01;

// A row of the tables: kernel, channels after expansion, channels out, whether the block squeezes
// and excites, whether it uses hard swish instead of ReLU, stride.
struct Row {
  int kernel, wide, out;
  bool squeeze, swish;
  int stride;
};
struct Plan {
  std::vector<Row> rows;
  int last, hidden;
};

const Plan& large_plan() {
  static const Plan plan = {{{3, 16, 16, false, false, 1},
                             {3, 64, 24, false, false, 2},
                             {3, 72, 24, false, false, 1},
                             {5, 72, 40, true, false, 2},
                             {5, 120, 40, true, false, 1},
                             {5, 120, 40, true, false, 1},
                             {3, 240, 80, false, true, 2},
                             {3, 200, 80, false, true, 1},
                             {3, 184, 80, false, true, 1},
                             {3, 184, 80, false, true, 1},
                             {3, 480, 112, true, true, 1},
                             {3, 672, 112, true, true, 1},
                             {5, 672, 160, true, true, 2},
                             {5, 960, 160, true, true, 1},
                             {5, 960, 160, true, true, 1}},
                            960,
                            1280};
  return plan;
}

const Plan& small_plan() {
  static const Plan plan = {{{3, 16, 16, true, false, 2},
                             {3, 72, 24, false, false, 2},
                             {3, 88, 24, false, false, 1},
                             {5, 96, 40, true, true, 2},
                             {5, 240, 40, true, true, 1},
                             {5, 240, 40, true, true, 1},
                             {5, 120, 48, true, true, 1},
                             {5, 144, 48, true, true, 1},
                             {5, 288, 96, true, true, 2},
                             {5, 576, 96, true, true, 1},
                             {5, 576, 96, true, true, 1}},
                            576,
                            1024};
  return plan;
}

// A quarter of the channels, as the nearest multiple of 8, but not below nine tenths of it.
int squeezed(int wide) {
  const double wanted = wide / 4;
  const int rounded = std::max(8, static_cast<int>(wanted + 4) / 8 * 8);
  return rounded < 0.9 * wanted ? rounded + 8 : rounded;
}

class MobileNetV3 : public Network {
 public:
  MobileNetV3(const Plan& plan, const NetworkShape& shape, at::Device device) : Network(device) {
    stem_ = add("features.0.", shape.channels, kStem, 3, 2, 1);
    int in = kStem;
    for (size_t i = 0; i < plan.rows.size(); ++i) {
      blocks_.push_back(block("features." + std::to_string(i + 1) + ".block.", in, plan.rows[i]));
      in = plan.rows[i].out;
    }
    last_ = add("features." + std::to_string(plan.rows.size() + 1) + ".", in, plan.last, 1, 1, 1);
    hidden_ = add_linear("classifier.0", plan.last, plan.hidden);
    head_ = add_head("classifier.3", plan.hidden, shape.classes);
  }

  Tensor forward(const Tensor& images, const Pass& pass) override {
    Tensor x = hard_swish(apply(stem_, images, Clip::kNone, pass), pass);
    for (const Block& block : blocks_) {
      const auto active = [&](const ConvNorm& layer, const Tensor& y) {
        return block.swish ? hard_swish(apply(layer, y, Clip::kNone, pass), pass)
                           : apply(layer, y, Clip::kRelu, pass);
      };
      Tensor h = block.expand ? active(*block.expand, x) : x;
      h = active(block.depthwise, h);
      if (block.excite) h = excite(*block.excite, h, pass);
      h = apply(block.project, h, Clip::kNone, pass);
      x = block.adds ? h + x : h;
    }
    x = global_mean(hard_swish(apply(last_, x, Clip::kNone, pass), pass));
    return head(hard_swish(linear(x, hidden_), pass), head_, pass);
  }

 private:
  struct ConvNorm {
    Conv conv;
    BatchNorm norm;
  };
  struct Excite {
    Conv down, up;
  };
  struct Block {
    std::optional<ConvNorm> expand;
    ConvNorm depthwise, project;
    std::optional<Excite> excite;
    bool swish = false, adds = false;
  };

  static Tensor apply(const ConvNorm& layer, const Tensor& x, Clip clip, const Pass& pass) {
    return conv_norm_unit(x, layer.conv, layer.norm, clip, pass);
  }

  // Squeeze-and-excitation (1709.01507): scales each channel by a number from 0 to 1.
  static Tensor excite(const Excite& layer, const Tensor& x, const Pass& pass) {
    Tensor s = x.mean(at::IntArrayRef({2, 3}), true);
    s = conv_unit(conv_unit(s, layer.down, pass).relu_(), layer.up, pass);
    if (pass.activations != nullptr) *pass.activations += x.numel();  // kept for the product
    return at::hardsigmoid(s) * x;
  }

  // torchvision's Conv2dNormActivation: the convolution is part 0, its batch norm part 1.
  ConvNorm add(const std::string& name, int in, int out, int kernel, int stride, int groups) {
    return {add_conv(name + "0", in, out, kernel, stride, false, groups),
            add_norm(name + "1", out, kEpsilon, kMomentum)};
  }

  Conv add_with_bias(const std::string& name, int in, int out) {
    Conv conv = add_conv(name, in, out, 1, 1);
    conv.bias = add_parameter(name + ".bias", at::zeros({out}, conv.weight.options()),
                              {InitRule::Kind::kConstant, 0});
    return conv;
  }

  Block block(const std::string& name, int in, const Row& row) {
    Block made;
    int part = 0;
    const auto next = [&] { return name + std::to_string(part++) + "."; };
    if (row.wide != in) made.expand = add(next(), in, row.wide, 1, 1, 1);
    made.depthwise = add(next(), row.wide, row.wide, row.kernel, row.stride, row.wide);
    if (row.squeeze) {
      const std::string se = next();
      const int narrow = squeezed(row.wide);
      made.excite = {add_with_bias(se + "fc1", row.wide, narrow),
                     add_with_bias(se + "fc2", narrow, row.wide)};
    }
    made.project = add(next(), row.wide, row.out, 1, 1, 1);
    made.swish = row.swish;
    made.adds = in == row.out && row.stride == 1;
    return made;
  }

  ConvNorm stem_, last_;
  std::vector<Block> blocks_;
  Linear hidden_, head_;
};

std::string fault(const std::string& name, bool* ours) {
  *ours = name.starts_with("mobilenet-v3-");
  if (name == "mobilenet-v3-large" || name == "mobilenet-v3-small") return "";
  return "network " + quote(name) +
         ": MobileNetV3 is built as mobilenet-v3-large and mobilenet-v3-small";
}

std::unique_ptr<Network> build(const std::string& name, const NetworkShape& shape,
                               at::Device device) {
  const Plan& plan = name == "mobilenet-v3-large" ? large_plan() : small_plan();
  return std::make_unique<MobileNetV3>(plan, shape, device);
}

}  // namespace

Family mobilenet_v3_family() {
  return {"mobilenet-v3-large|small", "mobilenet-v3-large", fault, build};
}

}  // namespace popaug
