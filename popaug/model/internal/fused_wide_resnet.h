// A pre-activation residual network (Wide-ResNet), written by hand on the kernels of room kernels.
// There is no autograd, and every buffer is made once. Batch norm, ReLU, residual sums and their
// backward passes are part of the convolutions' passes over memory. No torch
// here: the network's tensors come as pointers, NHWC and [out][kh][kw][in].
#ifndef POPAUG_MODEL_INTERNAL_FUSED_WIDE_RESNET_H_
#define POPAUG_MODEL_INTERNAL_FUSED_WIDE_RESNET_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "popaug/kernels/kernels.h"
#include "popaug/model/internal/conv_norm.h"

namespace popaug {

struct FusedConv {
  kernels::ConvShape shape;  // the batch is set by the runner
  const float* weight = nullptr;
  float* gradient = nullptr;  // training only, here and below
};

// y = conv2(relu(norm2(conv1(a)))) + (shortcut ? shortcut(a) : x) with a = relu(norm1(x)).
struct FusedBlock {
  FusedNorm norm1, norm2;
  FusedConv conv1, conv2;
  std::optional<FusedConv> shortcut;
};

// Stem, blocks, relu(norm), mean over the pixels, a linear layer.
struct FusedWideResNet {
  FusedConv stem;
  std::vector<FusedBlock> blocks;
  FusedNorm norm;
  int classes = 0;
  const float *head_weight = nullptr, *head_bias = nullptr;  // [classes][channels], [classes]
  float *head_weight_gradient = nullptr, *head_bias_gradient = nullptr;
};

// How the cross-entropy of a batch is formed, as torch's cross_entropy_loss does.
struct LossRule {
  double smoothing = 0;            // of labels
  std::span<const float> weights;  // a number a class; empty: all 1
  // [batch][channels], what the features of the head are multiplied by; null: nothing is dropped.
  const float* dropout = nullptr;
};

// The classes of the images of a batch: one each, or two and the share of the first.
struct FusedTargets {
  const int64_t* labels = nullptr;
  const int64_t* others = nullptr;  // null: no image is mixed
  const float* shares = nullptr;    // of `labels`
};

// The buffers of one network in training. Not for two threads at once.
class FusedWideResNetRunner {
 public:
  FusedWideResNetRunner();
  ~FusedWideResNetRunner();

  // Runs one batch forward and backward: writes every gradient (overwriting, not adding) and
  // updates the running statistics. Returns the mean cross-entropy.
  double gradients(const FusedWideResNet& network, int batch, const float* images,
                   const FusedTargets& targets, const LossRule& rule);

  // Logits [batch][classes] with the running statistics.
  void logits(const FusedWideResNet& network, int batch, const float* images, float* out);

 private:
  struct State;
  void forward_training(const FusedWideResNet& network, int batch, const float* images);
  void backward(const FusedWideResNet& network, int batch, const float* images);
  void pack(const FusedWideResNet& network);
  std::unique_ptr<State> state_;
};

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_FUSED_WIDE_RESNET_H_
