#include "popaug/model/internal/fused_head.h"

#include <algorithm>
#include <cmath>

namespace popaug {
namespace {

// The layer as a convolution of images of one pixel.
kernels::ConvShape shape_of(const FusedHead& head, int batch) {
  return {batch, 1, 1, head.channels, head.classes, 1, 1};
}

void drop(const LossRule& rule, size_t count, float* features) {
  for (size_t i = 0; rule.dropout != nullptr && i < count; ++i) features[i] *= rule.dropout[i];
}

}  // namespace

double cross_entropy(int batch, int classes, const FusedTargets& targets, const LossRule& rule,
                     float* logits) {
  double loss = 0, all = batch;
  const double each = rule.smoothing / classes;
  const auto weight = [&](int64_t label) {
    return rule.weights.empty() ? 1.0 : double(rule.weights[size_t(label)]);
  };
  const auto first_share = [&](int n) {
    return targets.others == nullptr ? 1.0 : double(targets.shares[n]);
  };
  if (!rule.weights.empty()) {
    all = 0;
    for (int n = 0; n < batch; ++n) {
      all += first_share(n) * weight(targets.labels[n]);
      if (targets.others != nullptr) all += (1 - first_share(n)) * weight(targets.others[n]);
    }
  }
  std::vector<double> share(static_cast<size_t>(classes));
  for (int n = 0; n < batch; ++n) {
    float* row = logits + size_t(n) * size_t(classes);
    const double top = double(*std::max_element(row, row + classes));
    double sum = 0;
    for (int k = 0; k < classes; ++k) sum += share[size_t(k)] = std::exp(double(row[k]) - top);
    const double log_sum = std::log(sum) + top;
    const int64_t label = targets.labels[n];
    const double first = first_share(n);
    const auto target = [&](int k) {
      double own = k == label ? first * (1 - rule.smoothing) : 0;
      if (first < 1 && k == targets.others[n]) own += (1 - first) * (1 - rule.smoothing);
      return weight(k) * (each + own);
    };
    double total = rule.weights.empty() ? 1 : 0;
    for (int k = 0; k < classes && !rule.weights.empty(); ++k) total += target(k);
    for (int k = 0; k < classes; ++k) {
      loss += target(k) * (log_sum - double(row[k]));
      row[k] = float((share[size_t(k)] / sum * total - target(k)) / all);
    }
  }
  return loss / all;
}

void HeadStep::forward(const FusedHead& head, int batch, const float* features, float* logits,
                       kernels::Workspace& workspace) {
  const kernels::ConvShape shape = shape_of(head, batch);
  weights_.pack(shape, head.weight);
  kernels::conv_forward(shape, features, {}, weights_, nullptr, logits, nullptr, workspace);
  const size_t classes = size_t(head.classes);
  for (size_t i = 0; i < size_t(batch) * classes; ++i) logits[i] += head.bias[i % classes];
}

double HeadStep::gradients(const FusedHead& head, int batch, float* features,
                           const FusedTargets& targets, const LossRule& rule, bool head_only,
                           kernels::Workspace& workspace) {
  const size_t count = size_t(batch) * size_t(head.channels), classes = size_t(head.classes);
  logits_.resize(size_t(batch) * classes);
  drop(rule, count, features);
  forward(head, batch, features, logits_.data(), workspace);
  const double loss = cross_entropy(batch, head.classes, targets, rule, logits_.data());
  for (size_t k = 0; k < classes; ++k) {
    double sum = 0;
    for (size_t n = 0; n < size_t(batch); ++n) sum += double(logits_[n * classes + k]);
    head.bias_gradient[k] = float(sum);
  }
  kernels::Gradient gradient;
  gradient.grad = logits_.data();
  // The gradient of the weights reads the features, so they are overwritten afterwards.
  const kernels::ConvShape shape = shape_of(head, batch);
  kernels::conv_backward(shape, features, {}, weights_, gradient, head.weight_gradient, nullptr,
                         nullptr, nullptr, workspace);
  if (head_only) return loss;
  kernels::conv_backward(shape, features, {}, weights_, gradient, nullptr, nullptr, features,
                         nullptr, workspace);
  drop(rule, count, features);
  return loss;
}

}  // namespace popaug
