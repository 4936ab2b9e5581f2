// A residual network as a list of steps, and its training pass, written by hand on the kernels of
// room kernels. There is no autograd, and every buffer is made once. Batch norm, clips and residual
// sums, and their backward passes, are part of the convolutions' passes over memory. No torch here:
// the network's tensors come as pointers, NHWC and [out][kh][kw][in].
#ifndef POPAUG_MODEL_INTERNAL_FUSED_NETWORK_H_
#define POPAUG_MODEL_INTERNAL_FUSED_NETWORK_H_

#include <memory>
#include <optional>
#include <vector>

#include "popaug/kernels/kernels.h"
#include "popaug/model/internal/conv_norm.h"
#include "popaug/model/internal/fused_head.h"

namespace popaug {

struct FusedConv {
  kernels::ConvShape shape;  // the batch is set by the runner
  const float* weight = nullptr;
  float* gradient = nullptr;  // training only
};

// One step of a network. Value 0 is the images; step i computes value i + 1 from earlier ones.
// A step reads its inputs as clip(norm(value)), with the norm and the clip of the step that made
// them; nothing normalised is stored.
struct FusedStep {
  enum class Kind {
    kConv,       // conv(input), plus the raw value `other` if it is not -1
    kAdd,        // input + other, clipped when it is stored; input is a convolution with a norm
    kMaxPool,    // of 3x3 pixels, every second one
    kSubsample,  // every `stride`-th pixel of each row and column; further channels are zero
    kMix,        // share * input + (1 - share) * second + other, of convolutions with a norm and no
                 // clip, but `other` may be the raw value of a kMix; or input alone. Stored raw
    kPair        // of the raw value of a kMix: fused_pixels.h
  };
  Kind kind = Kind::kConv;
  int input = 0, other = -1, second = -1;
  FusedConv conv;
  std::optional<FusedNorm> norm;  // kConv: of the value that this step makes
  kernels::Clip clip = kernels::Clip::kNone;
  int stride = 1, shift = 0;
  // kMix: the shares of the images, forward and backward, [batch]; null: 1/2.
  const float *forth = nullptr, *back = nullptr;
  int height = 0, width = 0, channels = 0;  // of the value that this step makes
};

// Steps, then the mean over the pixels of the last value, and a linear layer. Of the steps that
// read a value (not raw), the first is a convolution, a pooling, or a sum that is its only reader.
struct FusedNetwork {
  std::vector<FusedStep> steps;
  FusedHead head;
};

// What the gradients of one batch are taken of.
struct FusedPass {
  bool batch_statistics = true;  // else batch norms use the running ones
  bool head_only = false;        // only the head gets gradients; the rest is in evaluation
};

// The buffers of one network. Not for two threads at once.
class FusedRunner {
 public:
  FusedRunner();
  ~FusedRunner();

  // Runs one batch forward and backward: writes every gradient (overwriting, not adding) and
  // updates the running statistics. Returns the mean cross-entropy.
  double gradients(const FusedNetwork& network, int batch, const float* images,
                   const FusedTargets& targets, const LossRule& rule, const FusedPass& pass);

  // Logits [batch][classes] with the running statistics. With `same_weights`, the weights are those
  // of the last call, also by gradients().
  void logits(const FusedNetwork& network, int batch, const float* images, bool same_weights,
              float* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_FUSED_NETWORK_H_
