// SGD with Nesterov momentum as docs/pba.md#optimiser-and-learning-rate defines it, and AdamW
// (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2).
#ifndef POPAUG_TRAIN_INTERNAL_OPTIMISER_TORCH_H_
#define POPAUG_TRAIN_INTERNAL_OPTIMISER_TORCH_H_

#include <string>
#include <vector>

#include "popaug/model/internal/network_torch.h"

namespace popaug {

enum class OptimiserKind { kSgd, kAdamW };

struct StepRates {
  double lr = 0.1;
  double momentum = 0.9;    // of AdamW: beta1
  double weight_decay = 0;  // lambda of the loss term lambda * sum(w^2) / 2, over all parameters
  double clip = 0;          // limit of the norm of the whole gradient, this term included; 0: none
  double trunk_factor = 1;  // what lr is multiplied by for parameters other than the head's
  double beta2 = 0.999;     // of AdamW
  double layer_decay = 1;   // what lr is multiplied by for each block between a layer and the head
};

// How many blocks lie between each parameter and the head: 0 for the head itself, 1 for the block
// before it. A block is a run of parameters whose names begin alike up to and with their first
// numbers ("blocks.3.1", "layer1.0"); layers without a number, such as a stem, form blocks of their
// own.
std::vector<int> blocks_before_head(const std::vector<Parameter>& parameters);

class Optimiser {
 public:
  // The state starts at 0. The network must outlive the optimiser.
  explicit Optimiser(Network& network, OptimiserKind kind = OptimiserKind::kSgd);

  // Makes one step from the gradients of the parameters, and then drops the gradients. Parameters
  // that do not require gradients keep their values and their momentum. With g =
  // gradient + lambda w, scaled by clip / max(clip, |g|): v = momentum v + g, w = w - lr (g +
  // momentum v). AdamW instead clips the gradient alone, and takes lr lambda w from w; its
  // momentum v and its mean of squares have the rates beta1 and beta2, and are corrected for their
  // start at 0. Returns |g| before clipping.
  double step(const StepRates& rates);

  // Everything that a later step depends on, by the names of a checkpoint; the values may be set.
  struct State {
    std::string name;
    Tensor tensor;
  };
  std::vector<State> state() const;
  void reset();

 private:
  Network& network_;
  OptimiserKind kind_;
  std::vector<Tensor> momentum_;  // in the order of network.parameters(), of their memory format
  std::vector<Tensor> squares_;   // of AdamW: the mean of squared gradients; else empty
  std::vector<Tensor> steps_;     // of AdamW: how often each parameter moved, on the CPU
  std::vector<int> before_head_;
};

}  // namespace popaug

#endif  // POPAUG_TRAIN_INTERNAL_OPTIMISER_TORCH_H_
