// Shake-Shake 26 (Gastaldi, arXiv 1705.07485): two branches, mixed by new draws for every image.
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>

#include <cmath>
#include <memory>
#include <optional>

#include "popaug/model/internal/families_torch.h"
#include "popaug/model/internal/fused_network_torch.h"
#include "popaug/model/internal/mix_torch.h"

namespace popaug {
namespace {

constexpr char kPrefix[] = "shake-shake-26-2x";
constexpr char kPublished[] = "shake-shake-published-26-2x";

class ShakeShake : public FusableNetwork {
 public:
  // `published`: mixes u1 / (u1 + u2), strided convolutions padded at the end only, the second flow
  // of a shortcut moved the other way, another start of the classifier.
  ShakeShake(int width, bool published, const NetworkShape& shape, at::Device device)
      : FusableNetwork(device), published_(published) {
    stem_ = add_conv("conv1", shape.channels, 16, 3, 1);
    stem_norm_ = add_norm("bn1", 16);
    int in = 16;
    for (int stage = 0; stage < 3; ++stage) {
      for (int i = 0; i < 4; ++i) {
        const std::string name =
            "layer" + std::to_string(stage + 1) + "." + std::to_string(i) + ".";
        const int out = width << stage;
        blocks_.push_back(make_block(name, in, out, stage > 0 && i == 0 ? 2 : 1));
        in = out;
      }
    }
    head_ = add_head("fc", in, shape.classes, published ? 1 / std::sqrt(double(shape.classes)) : 0);
  }

 protected:
  Tensor forward_units(const Tensor& images, const Pass& pass) override {
    Tensor x = conv_norm_unit(images, stem_, stem_norm_, Clip::kNone, pass);
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const Block& block = blocks_[i];
      const Tensor active = x.relu();
      const Tensor one = apply(block.branches[0], active, pass);
      const Tensor two = apply(block.branches[1], active, pass);
      const Tensor mixed =
          pass.training
              ? shake(one, two, shake_draws(pass, static_cast<int>(i), x.size(0), published_))
              : 0.5 * (one + two);
      x = mixed + (block.shortcut ? apply(*block.shortcut, x, pass) : x);
    }
    return head(global_mean(x.relu()), head_, pass);
  }

  void describe(FusedBuilder& to, const Pass& pass) const override {
    int x = to.mix(to.conv(0, stem_, &stem_norm_, Clip::kNone));
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const Block& block = blocks_[i];
      int branches[2];
      for (int b = 0; b < 2; ++b) {
        const Branch& branch = block.branches[b];
        const int h = to.conv(x, branch.conv1, &branch.norm1, Clip::kRelu);
        branches[b] = to.conv(h, branch.conv2, &branch.norm2, Clip::kNone);
      }
      const auto& shortcut = block.shortcut;
      const int rest =
          shortcut ? to.pair(x, shortcut->conv1, shortcut->conv2, shortcut->norm, shift()) : x;
      const Mix shares =
          pass.training ? shake_draws(pass, static_cast<int>(i), to.batch(), published_) : Mix();
      x = to.mix(branches[0], branches[1], rest, shares);
    }
    to.head(head_);
  }

 private:
  struct Branch {
    Conv conv1, conv2;
    BatchNorm norm1, norm2;
  };
  // Two paths that see pixels shifted by one; each gives half of the channels.
  struct Shortcut {
    Conv conv1, conv2;
    BatchNorm norm;
  };
  struct Block {
    Branch branches[2];
    std::optional<Shortcut> shortcut;
  };

  Branch make_branch(const std::string& name, int in, int out, int stride) {
    Branch branch;
    branch.conv1 = add_conv(name + "conv1", in, out, 3, stride, published_);
    branch.norm1 = add_norm(name + "bn1", out);
    branch.conv2 = add_conv(name + "conv2", out, out, 3, 1);
    branch.norm2 = add_norm(name + "bn2", out);
    return branch;
  }

  Block make_block(const std::string& name, int in, int out, int stride) {
    Block block;
    block.branches[0] = make_branch(name + "branch1.", in, out, stride);
    block.branches[1] = make_branch(name + "branch2.", in, out, stride);
    if (in != out) {
      Shortcut shortcut;
      shortcut.conv1 = add_conv(name + "shortcut.conv1", in, out / 2, 1, stride);
      shortcut.conv2 = add_conv(name + "shortcut.conv2", in, out / 2, 1, stride);
      shortcut.norm = add_norm(name + "shortcut.bn", out);
      block.shortcut = shortcut;
    }
    return block;
  }

  static Tensor apply(const Branch& branch, const Tensor& active, const Pass& pass) {
    const Tensor h = conv_norm_unit(active, branch.conv1, branch.norm1, Clip::kRelu, pass);
    return conv_norm_unit(h, branch.conv2, branch.norm2, Clip::kNone, pass);
  }

  Tensor apply(const Shortcut& shortcut, const Tensor& x, const Pass& pass) const {
    const int64_t first = shift();
    const Tensor moved = at::constant_pad_nd(x, {first, -first, first, -first}, 0);
    const Tensor both =
        at::cat({conv_unit(x, shortcut.conv1, pass), conv_unit(moved, shortcut.conv2, pass)}, 1);
    return batch_norm(both, shortcut.norm, pass);
  }

  // By how many rows and columns the second path of a shortcut moves its pixels.
  int shift() const { return published_ ? -1 : 1; }

  bool published_;
  Conv stem_;
  BatchNorm stem_norm_;
  std::vector<Block> blocks_;
  Linear head_;
};

// The width in "...2x96d", 0 if the name has another form.
int width_of(const std::string& name, const std::string& prefix) {
  if (!name.ends_with('d')) return 0;
  const auto numbers = numbers_after(name.substr(0, name.size() - 1), prefix, 1);
  return numbers.empty() ? 0 : numbers[0];
}

std::string fault_of(const std::string& name, const std::string& prefix, bool* ours) {
  const int width = width_of(name, prefix);
  *ours = width != 0;
  if (width == 0) return "no Shake-Shake";
  if (width % 2 != 0) return "network " + quote(name) + ": the width must be even";
  return "";
}

std::string fault(const std::string& name, bool* ours) { return fault_of(name, kPrefix, ours); }
std::string published_fault(const std::string& name, bool* ours) {
  return fault_of(name, kPublished, ours);
}

std::unique_ptr<Network> build(const std::string& name, const NetworkShape& shape,
                               at::Device device) {
  return std::make_unique<ShakeShake>(width_of(name, kPrefix), false, shape, device);
}
std::unique_ptr<Network> build_published(const std::string& name, const NetworkShape& shape,
                                         at::Device device) {
  return std::make_unique<ShakeShake>(width_of(name, kPublished), true, shape, device);
}

}  // namespace

Family shake_shake_family() {
  return {"shake-shake-26-2xWd", "shake-shake-26-2x32d", fault, build};
}
Family published_shake_shake_family() {
  return {"shake-shake-published-26-2xWd", "shake-shake-published-26-2x32d", published_fault,
          build_published};
}

}  // namespace popaug
