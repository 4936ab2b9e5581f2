// Networks with a hand-written pass: describes the layers of a network as FusedSteps.
#ifndef POPAUG_MODEL_INTERNAL_FUSED_NETWORK_TORCH_H_
#define POPAUG_MODEL_INTERNAL_FUSED_NETWORK_TORCH_H_

#include "popaug/model/internal/fused_network.h"
#include "popaug/model/internal/layers_torch.h"
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
  void head(const Linear& layer);
  const FusedNetwork& network() const { return network_; }

 private:
  struct Size {
    int height, width, channels;
  };
  Size size_of(int value) const;
  int push(FusedStep step, Size size);
  Size images_;
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
  virtual void describe(FusedBuilder& builder) const = 0;

 private:
  FusedRunner runner_;
};

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_FUSED_NETWORK_TORCH_H_
