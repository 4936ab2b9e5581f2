// SGD with Nesterov momentum as REFERENCE 4 has it.
#ifndef POPAUG_TRAIN_OPTIMISER_TORCH_H_
#define POPAUG_TRAIN_OPTIMISER_TORCH_H_

#include <vector>

#include "popaug/model/network_torch.h"

namespace popaug {

struct StepRates {
  double lr = 0.1;
  double momentum = 0.9;
  double weight_decay = 0;  // lambda of the loss's term lambda * sum(w^2) / 2, over all parameters
  double clip = 0;          // of the norm of the whole gradient, that term's part inside; 0: none
};

class Optimiser {
 public:
  // Momentum starts at 0. The network must outlive the optimiser.
  explicit Optimiser(Network& network);

  // One step from the gradients that the parameters hold, which are then dropped. With
  // g = gradient + lambda w, scaled by clip / max(clip, |g|):  v = momentum v + g,
  // w = w - lr (g + momentum v). Returns |g| before clipping.
  double step(const StepRates& rates);

  // In the order of network.parameters(), of the same memory format.
  std::vector<Tensor>& momentum() { return momentum_; }
  void reset();

 private:
  Network& network_;
  std::vector<Tensor> momentum_;
};

}  // namespace popaug

#endif  // POPAUG_TRAIN_OPTIMISER_TORCH_H_
