// PyramidNet (Han, Kim, Kim, arXiv 1610.02915) with ShakeDrop (Yamada et al., arXiv 1802.02375):
// bottlenecks whose width grows a little with every block.
#include <cmath>
#include <memory>

#include "popaug/model/internal/families_torch.h"
#include "popaug/model/internal/mix_torch.h"

namespace popaug {
namespace {

constexpr char kPrefix[] = "pyramidnet-";
constexpr char kPublished[] = "pyramidnet-published-";
constexpr int kAlpha = 200;
constexpr double kFinalDrop = 0.5;  // probability of dropping the last block, linear in depth

class PyramidNet : public Network {
 public:
  // `published`: strided convolutions padded at the end only, widths rounded to the nearest,
  // another start of the classifier.
  PyramidNet(int depth, int alpha, bool published, const NetworkShape& shape, at::Device device)
      : Network(device), published_(published) {
    stem_ = add_conv("conv1", shape.channels, 16, 3, 1);
    stem_norm_ = add_norm("bn1", 16);
    const int count = (depth - 2) / 3;
    int in = 16;
    for (int k = 0; k < count; ++k) {
      const int stage = k / (count / 3), i = k % (count / 3);
      // Equation 2 of the paper, rounded down, which gives its parameter counts.
      const int width = published ? 16 + (2 * alpha * (k + 1) + count) / (2 * count)
                                  : 16 + alpha * (k + 1) / count;
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(i) + ".";
      blocks_.push_back(make_block(name, in, width, stage > 0 && i == 0 ? 2 : 1));
      blocks_.back().keep = 1 - kFinalDrop * (k + 1) / count;
      in = 4 * width;
    }
    norm_ = add_norm("bn_final", in);
    head_ = add_head("fc", in, shape.classes, published ? 1 / std::sqrt(double(shape.classes)) : 0);
  }

  Tensor forward(const Tensor& images, const Pass& pass) override {
    Tensor x = conv_norm_unit(images, stem_, stem_norm_, Clip::kNone, pass);
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const Block& block = blocks_[i];
      Tensor h = conv_norm_unit(batch_norm(x, block.norm1, pass), block.conv1, block.norm2,
                                Clip::kRelu, pass);
      h = conv_norm_unit(h, block.conv2, block.norm3, Clip::kRelu, pass);
      h = conv_norm_unit(h, block.conv3, block.norm4, Clip::kNone, pass);
      // The expectation of gate + alpha - gate alpha is `keep`, as alpha's mean is 0.
      h = pass.training
              ? scale_each(h, drop_draws(pass, static_cast<int>(i), x.size(0), block.keep))
              : block.keep * h;
      x = h + pad_channels(block.stride == 1 ? x : average_pool(x, block.stride), 0, block.grow);
    }
    return head(global_mean(norm_relu_unit(x, norm_, pass)), head_, pass);
  }

 private:
  struct Block {
    BatchNorm norm1, norm2, norm3, norm4;
    Conv conv1, conv2, conv3;
    int stride = 1, grow = 0;
    double keep = 1;
  };

  Block make_block(const std::string& name, int in, int width, int stride) {
    Block block;
    block.norm1 = add_norm(name + "bn1", in);
    block.conv1 = add_conv(name + "conv1", in, width, 1, 1);
    block.norm2 = add_norm(name + "bn2", width);
    block.conv2 = add_conv(name + "conv2", width, width, 3, stride, published_);
    block.norm3 = add_norm(name + "bn3", width);
    block.conv3 = add_conv(name + "conv3", width, 4 * width, 1, 1);
    block.norm4 = add_norm(name + "bn4", 4 * width);
    block.stride = stride;
    block.grow = 4 * width - in;
    return block;
  }

  bool published_;
  Conv stem_;
  BatchNorm stem_norm_, norm_;
  std::vector<Block> blocks_;
  Linear head_;
};

struct Size {
  int depth = 0, alpha = kAlpha;
};

// "D" with alpha 200, or "D-A".
Size size_of(const std::string& name, const std::string& prefix) {
  const auto one = numbers_after(name, prefix, 1), two = numbers_after(name, prefix, 2);
  if (!one.empty()) return {one[0], kAlpha};
  if (!two.empty()) return {two[0], two[1]};
  return {};
}

std::string fault_of(const std::string& name, const std::string& prefix, bool* ours) {
  const int depth = size_of(name, prefix).depth;
  *ours = depth != 0;
  if (depth == 0) return "no PyramidNet";
  if (depth < 11 || (depth - 2) % 9 != 0) {
    return "network " + quote(name) +
           ": the depth of a PyramidNet is 9n+2 (29, 110, 272, ...), not " + std::to_string(depth);
  }
  return "";
}

std::string fault(const std::string& name, bool* ours) { return fault_of(name, kPrefix, ours); }
std::string published_fault(const std::string& name, bool* ours) {
  return fault_of(name, kPublished, ours);
}

std::unique_ptr<Network> build(const std::string& name, const NetworkShape& shape,
                               at::Device device) {
  const Size size = size_of(name, kPrefix);
  return std::make_unique<PyramidNet>(size.depth, size.alpha, false, shape, device);
}
std::unique_ptr<Network> build_published(const std::string& name, const NetworkShape& shape,
                                         at::Device device) {
  const Size size = size_of(name, kPublished);
  return std::make_unique<PyramidNet>(size.depth, size.alpha, true, shape, device);
}

}  // namespace

Family pyramidnet_family() { return {"pyramidnet-D", "pyramidnet-272", fault, build}; }
Family published_pyramidnet_family() {
  return {"pyramidnet-published-D", "pyramidnet-published-272", published_fault, build_published};
}

}  // namespace popaug
