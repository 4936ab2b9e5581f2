// The linear layer and the loss at the end of a hand-written pass. No torch here.
#ifndef POPAUG_MODEL_INTERNAL_FUSED_HEAD_H_
#define POPAUG_MODEL_INTERNAL_FUSED_HEAD_H_

#include <cstdint>
#include <span>
#include <vector>

#include "popaug/kernels/kernels.h"

namespace popaug {

struct FusedHead {
  int channels = 0, classes = 0;
  const float *weight = nullptr, *bias = nullptr;  // [classes][channels], [classes]
  float *weight_gradient = nullptr, *bias_gradient = nullptr;
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

// Mean cross-entropy, weighted; the logits [batch][classes] become their gradient.
double cross_entropy(int batch, int classes, const FusedTargets& targets, const LossRule& rule,
                     float* logits);

// The linear layer: features [batch][channels] to logits [batch][classes].
class HeadStep {
 public:
  void forward(const FusedHead& head, int batch, const float* features, float* logits,
               kernels::Workspace& workspace);
  // The loss, the gradients of the layer, and the features' gradient in their place, unless only
  // the head is trained.
  double gradients(const FusedHead& head, int batch, float* features, const FusedTargets& targets,
                   const LossRule& rule, bool head_only, kernels::Workspace& workspace);

 private:
  kernels::Weights weights_;
  std::vector<float> logits_;
};

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_FUSED_HEAD_H_
