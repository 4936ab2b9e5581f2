// A batch norm during one step: turns moments into what kernels apply, and gradients back. Private
// to model; no torch here.
#ifndef POPAUG_MODEL_INTERNAL_CONV_NORM_H_
#define POPAUG_MODEL_INTERNAL_CONV_NORM_H_

#include <vector>

#include "popaug/kernels/kernels.h"

namespace popaug {

// The tensors of a batch norm, [channels] each. The gradients are written, not added to.
struct FusedNorm {
  int channels = 0;
  const float *weight = nullptr, *bias = nullptr;
  float *running_mean = nullptr, *running_var = nullptr;
  float *weight_gradient = nullptr, *bias_gradient = nullptr;
  double momentum = 0.1, epsilon = 1e-5;
};

class NormStep {
 public:
  // With the batch's moments, moving the running statistics.
  void train(const FusedNorm& norm, const kernels::Moments& moments);
  // With the running statistics.
  void evaluate(const FusedNorm& norm);
  // Of a value that is stored as it is: act() is its clip alone.
  void keep(int channels);

  // clip(norm(x)), as kernels take it; points into this object.
  kernels::Activation act(kernels::Clip clip = kernels::Clip::kRelu) const {
    return {mean_.data(), scale_.data(), shift_.data(), clip};
  }

  // Takes the gradient d of the norm's output and its sums. Writes the gradients of the norm's
  // parameters and returns the gradient of its input x (Ioffe and Szegedy, 1502.03167, section 3,
  // with the sums over the batch computed beforehand). The result points into this object.
  kernels::Gradient backward(const FusedNorm& norm, const kernels::GradientSums& sums,
                             const float* d, const float* x);

 private:
  void resize(size_t channels);
  void set(const FusedNorm& norm, size_t c, double mean, double variance);
  std::vector<float> mean_, scale_, shift_, p_, q_, r_;
  std::vector<double> inverse_;  // 1 / sqrt(variance + epsilon)
  double count_ = 0;             // 0: the statistics are constants
};

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_CONV_NORM_H_
