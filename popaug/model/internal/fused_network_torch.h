// Networks with a hand-written pass: describes the layers of a network as FusedSteps.
#ifndef POPAUG_MODEL_INTERNAL_FUSED_NETWORK_TORCH_H_
#define POPAUG_MODEL_INTERNAL_FUSED_NETWORK_TORCH_H_

#include "popaug/model/internal/fused_network.h"
#include "popaug/model/internal/layers_torch.h"
#include "popaug/model/internal/mix_torch.h"
#include "popaug/model/internal/network_torch.h"

namespace popaug {

// The tensors of a batch norm as pointers. With `training`, they get gradients to write to.
FusedNorm fused_norm(const BatchNorm& norm, bool training);

// Builds a FusedNetwork from layers, which must outlive it. Each function adds a step and returns
// the number of its value, by which later steps refer to it; 0 is the images.
class FusedBuilder {
 public:
  // With `training`, each tensor gets a gradient of its own shape and memory format to write to;
  // with `head_training`, those of the head do.
  FusedBuilder(const Tensor& images, bool training, bool head_training);

  // conv(input) + the raw value `other` (-1: none). `norm` (may be null) and `clip` are applied
  // where the value is read.
  int conv(int input, const Conv& conv, const BatchNorm* norm, Clip clip, int other = -1);
  // clip(input + other).
  int add(int input, int other, Clip clip);
  int max_pool(int input);
  // Every `stride`-th pixel, and zeros in the channels that `input` has not.
  int subsample(int input, int stride, int channels);
  // share * input + (1 - share) * second + other, the shares [images] forward and backward of the
  // mix, 1/2 where it is undefined; or input alone. Read through ReLU, or raw.
  int mix(int input, int second = -1, int other = -1, const Mix& shares = {});
  // Two 1x1 convolutions of the raw value of a mix, one beside the other, with one norm: the first
  // of every `stride`-th pixel, the second of the pixel `shift` rows and columns before it.
  int pair(int input, const Conv& first, const Conv& second, const BatchNorm& norm, int shift);
  void head(const Linear& layer);
  const FusedNetwork& network() const { return network_; }
  int batch() const { return batch_; }
  // After the pass: hands on the gradients of what was built from several tensors.
  void finish() const;

 private:
  struct Size {
    int height, width, channels;
  };
  // The weights of a pair: two blocks on a diagonal.
  struct Joined {
    Tensor first, second;  // as the network has them
    Tensor weight, gradient;
  };
  Size size_of(int value) const;
  int push(FusedStep step, Size size);
  int push_conv(int input, const Conv& conv, float* gradient, const BatchNorm* norm, Clip clip,
                int other);
  Size images_;
  int batch_;
  std::vector<Joined> joined_;
  std::vector<Mix> mixes_;
  bool training_, head_training_;
  FusedNetwork network_;
};

// A network whose passes on a CPU are hand-written under kFast and kAuto.
class FusableNetwork : public Network {
 public:
  Tensor forward(const Tensor& images, const Pass& pass) final;
  double gradients(const Tensor& images, const Targets& targets, double smoothing,
                   const Pass& pass) override;

 protected:
  using Network::Network;
  // The same layers in two forms: as autograd runs them one by one, and as steps with the head.
  virtual Tensor forward_units(const Tensor& images, const Pass& pass) = 0;
  virtual void describe(FusedBuilder& builder, const Pass& pass) const = 0;

 private:
  FusedRunner runner_;
};

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_FUSED_NETWORK_TORCH_H_
