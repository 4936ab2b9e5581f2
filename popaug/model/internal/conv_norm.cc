#include "popaug/model/internal/conv_norm.h"

#include <cmath>

namespace popaug {

void NormStep::resize(size_t channels) {
  for (auto* v : {&mean_, &scale_, &shift_, &p_, &q_, &r_}) v->resize(channels);
  inverse_.resize(channels);
}

void NormStep::set(const FusedNorm& norm, size_t c, double mean, double variance) {
  inverse_[c] = 1 / std::sqrt(variance + norm.epsilon);
  mean_[c] = float(mean);
  scale_[c] = float(double(norm.weight[c]) * inverse_[c]);
  shift_[c] = norm.bias[c];
}

void NormStep::train(const FusedNorm& norm, const kernels::Moments& moments) {
  resize(size_t(norm.channels));
  count_ = moments.count;
  const auto blend = [&](float& running, double now) {
    running = float((1 - norm.momentum) * double(running) + norm.momentum * now);
  };
  for (size_t c = 0; c < mean_.size(); ++c) {
    const double variance = moments.m2[c] / count_;
    set(norm, c, moments.mean[c], variance);
    if (norm.running_mean == nullptr) continue;
    // PyTorch's running variance is the unbiased one.
    blend(norm.running_mean[c], moments.mean[c]);
    blend(norm.running_var[c], count_ > 1 ? moments.m2[c] / (count_ - 1) : variance);
  }
}

void NormStep::evaluate(const FusedNorm& norm) {
  resize(size_t(norm.channels));
  count_ = 0;
  for (size_t c = 0; c < mean_.size(); ++c) {
    set(norm, c, double(norm.running_mean[c]), double(norm.running_var[c]));
  }
}

void NormStep::keep(int channels) {
  mean_.assign(size_t(channels), 0);
  scale_.assign(size_t(channels), 1);
  shift_.assign(size_t(channels), 0);
}

kernels::Gradient NormStep::backward(const FusedNorm& norm, const kernels::GradientSums& sums,
                                     const float* d, const float* x) {
  const double share = count_ > 0 ? 1 / count_ : 0;
  for (size_t c = 0; c < mean_.size(); ++c) {
    norm.weight_gradient[c] = float(sums.dot[c] * inverse_[c]);
    norm.bias_gradient[c] = float(sums.sum[c]);
    const double factor = double(norm.weight[c]) * inverse_[c];
    p_[c] = float(factor);
    q_[c] = float(-factor * inverse_[c] * inverse_[c] * sums.dot[c] * share);
    r_[c] = float(-factor * sums.sum[c] * share);
  }
  kernels::Gradient gradient;
  gradient.d = d;
  gradient.x = x;
  gradient.p = p_.data();
  gradient.q = q_.data();
  gradient.r = r_.data();
  gradient.mean = mean_.data();
  return gradient;
}

}  // namespace popaug
