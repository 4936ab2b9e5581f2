// One training step of a pre-activation residual network, written out by hand.
//
// Autograd runs each operation on its own: a batch norm reads its input and writes its output, ReLU
// reads and writes it again, then the convolution reads it. On a CPU these passes over memory cost
// as much as the multiplications. Here every convolution of room kernels takes its neighbours
// along:
//
//   forward    y = conv(relu(norm(x))) + residual, and the moments of y, in one pass over x and y.
//              The moments are all that the next norm needs, so no normalised tensor exists.
//   backward   from the gradient of y, the convolution computes the gradient of act(x) times the
//              mask of the ReLU, and its sums, in one pass. With these sums, NormStep::backward
//              describes the gradient of x as a formula per channel (kernels::Gradient), and the
//              next convolution evaluates the formula row by row while it reads.
//
// The gradient of a block's output is needed twice: by its second convolution and by the residual
// path. The second convolution stores it while it evaluates the formula (`keep`, buffer `through`).
// A shortcut convolution reads it there; without one, the block before adds it (`add`).
//
// All buffers belong to State and are kept between steps, so a step allocates nothing large.
#include "popaug/model/internal/fused_wide_resnet.h"

#include <algorithm>
#include <cmath>

namespace popaug {
namespace {

using kernels::Activation;
using kernels::Buffer;
using kernels::ConvShape;
using kernels::Gradient;
using kernels::GradientSums;
using kernels::Moments;
using kernels::Weights;

ConvShape with_batch(const FusedConv& conv, int batch) {
  ConvShape shape = conv.shape;
  shape.batch = batch;
  return shape;
}

size_t out_floats(const ConvShape& shape) { return shape.out_pixels() * size_t(shape.out); }
size_t in_floats(const ConvShape& shape) { return shape.in_pixels() * size_t(shape.in); }

}  // namespace

struct FusedWideResNetRunner::State {
  struct Block {
    Weights conv1, conv2, shortcut;
    Buffer h, y;  // conv1's output, the block's output
    NormStep norm1, norm2;
  };
  Weights stem;
  Buffer x;  // the stem's output
  std::vector<Block> blocks;
  NormStep norm;
  std::vector<float> pooled, pooled_gradient, logits;
  // Gradients of the backward pass: of a block's output, and of activations inside and before it.
  Buffer through, inner, outer, side;
  kernels::Workspace workspace;
};

FusedWideResNetRunner::FusedWideResNetRunner() : state_(std::make_unique<State>()) {}
FusedWideResNetRunner::~FusedWideResNetRunner() = default;

void FusedWideResNetRunner::pack(const FusedWideResNet& network) {
  State& s = *state_;
  s.blocks.resize(network.blocks.size());
  s.stem.pack(network.stem.shape, network.stem.weight);
  for (size_t i = 0; i < s.blocks.size(); ++i) {
    const FusedBlock& block = network.blocks[i];
    s.blocks[i].conv1.pack(block.conv1.shape, block.conv1.weight);
    s.blocks[i].conv2.pack(block.conv2.shape, block.conv2.weight);
    if (block.shortcut) s.blocks[i].shortcut.pack(block.shortcut->shape, block.shortcut->weight);
  }
}

namespace {

// [batch][channels] to [batch][classes].
void linear(const FusedWideResNet& network, int batch, const float* in, float* out) {
  const size_t channels = size_t(network.norm.channels), classes = size_t(network.classes);
  for (size_t n = 0; n < size_t(batch); ++n) {
    for (size_t k = 0; k < classes; ++k) {
      double sum = double(network.head_bias[k]);
      for (size_t c = 0; c < channels; ++c) {
        sum += double(in[n * channels + c]) * double(network.head_weight[k * channels + c]);
      }
      out[n * classes + k] = float(sum);
    }
  }
}

// Computes the gradients of the linear layer and of its input from the gradient of the logits.
void linear_backward(const FusedWideResNet& network, int batch, const float* in,
                     const float* logits_gradient, float* in_gradient) {
  const size_t channels = size_t(network.norm.channels), classes = size_t(network.classes);
  std::vector<double> sum(channels);
  for (size_t k = 0; k < classes; ++k) {
    std::fill(sum.begin(), sum.end(), 0.0);
    double bias = 0;
    for (size_t n = 0; n < size_t(batch); ++n) {
      const double g = double(logits_gradient[n * classes + k]);
      bias += g;
      for (size_t c = 0; c < channels; ++c) sum[c] += g * double(in[n * channels + c]);
    }
    network.head_bias_gradient[k] = float(bias);
    for (size_t c = 0; c < channels; ++c) {
      network.head_weight_gradient[k * channels + c] = float(sum[c]);
    }
  }
  for (size_t n = 0; n < size_t(batch); ++n) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (size_t k = 0; k < classes; ++k) {
      const double g = double(logits_gradient[n * classes + k]);
      const float* weight = network.head_weight + k * channels;
      for (size_t c = 0; c < channels; ++c) sum[c] += g * double(weight[c]);
    }
    for (size_t c = 0; c < channels; ++c) in_gradient[n * channels + c] = float(sum[c]);
  }
}

// Mean cross-entropy, weighted; the logits become their gradient.
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

}  // namespace

void FusedWideResNetRunner::forward_training(const FusedWideResNet& network, int batch,
                                             const float* images) {
  State& s = *state_;
  const ConvShape stem = with_batch(network.stem, batch);
  Moments moments(stem.out);
  conv_forward(stem, images, Activation(), s.stem, nullptr, s.x.reserve(out_floats(stem)), &moments,
               s.workspace);
  const float* x = s.x.data();
  for (size_t i = 0; i < s.blocks.size(); ++i) {
    const FusedBlock& block = network.blocks[i];
    State::Block& at = s.blocks[i];
    const ConvShape shape1 = with_batch(block.conv1, batch);
    const ConvShape shape2 = with_batch(block.conv2, batch);
    float* h = at.h.reserve(out_floats(shape1));
    float* y = at.y.reserve(out_floats(shape2));
    at.norm1.train(block.norm1, moments);
    moments = Moments(shape1.out);
    conv_forward(shape1, x, at.norm1.act(), at.conv1, nullptr, h, &moments, s.workspace);
    at.norm2.train(block.norm2, moments);
    const float* residual = x;
    if (block.shortcut) {
      conv_forward(with_batch(*block.shortcut, batch), x, at.norm1.act(), at.shortcut, nullptr, y,
                   nullptr, s.workspace);
      residual = y;
    }
    moments = Moments(shape2.out);
    conv_forward(shape2, h, at.norm2.act(), at.conv2, residual, y, &moments, s.workspace);
    x = y;
  }
  s.norm.train(network.norm, moments);
}

void FusedWideResNetRunner::backward(const FusedWideResNet& network, int batch,
                                     const float* images) {
  State& s = *state_;
  size_t most = 0;
  for (const FusedBlock& block : network.blocks) {
    most = std::max({most, out_floats(with_batch(block.conv1, batch)),
                     in_floats(with_batch(block.conv1, batch))});
  }
  float *through = s.through.reserve(most), *inner = s.inner.reserve(most);
  float *outer = s.outer.reserve(most), *side = s.side.reserve(most);

  const ConvShape last = network.blocks.back().conv2.shape;
  GradientSums sums(network.norm.channels);
  pool_backward(s.blocks.back().y.data(), s.pooled_gradient.data(), batch,
                last.out_height() * last.out_width(), network.norm.channels, s.norm.act(), outer,
                &sums);
  Gradient gradient = s.norm.backward(network.norm, sums, outer, s.blocks.back().y.data());
  for (size_t i = s.blocks.size(); i-- > 0;) {
    const FusedBlock& block = network.blocks[i];
    State::Block& at = s.blocks[i];
    const float* x = i > 0 ? s.blocks[i - 1].y.data() : s.x.data();
    const ConvShape shape1 = with_batch(block.conv1, batch);
    gradient.keep = through;
    GradientSums sums2(block.norm2.channels), sums1(block.norm1.channels);
    conv_backward(with_batch(block.conv2, batch), at.h.data(), at.norm2.act(), at.conv2, gradient,
                  block.conv2.gradient, nullptr, inner, &sums2, s.workspace);
    const float* addend = nullptr;
    if (block.shortcut) {
      Gradient given;
      given.grad = through;
      conv_backward(with_batch(*block.shortcut, batch), x, at.norm1.act(), at.shortcut, given,
                    block.shortcut->gradient, nullptr, side, nullptr, s.workspace);
      addend = side;
    }
    conv_backward(shape1, x, at.norm1.act(), at.conv1,
                  at.norm2.backward(block.norm2, sums2, inner, at.h.data()), block.conv1.gradient,
                  addend, outer, &sums1, s.workspace);
    gradient = at.norm1.backward(block.norm1, sums1, outer, x);
    gradient.add = block.shortcut ? nullptr : through;
  }
  conv_backward(with_batch(network.stem, batch), images, Activation(), s.stem, gradient,
                network.stem.gradient, nullptr, nullptr, nullptr, s.workspace);
}

double FusedWideResNetRunner::gradients(const FusedWideResNet& network, int batch,
                                        const float* images, const FusedTargets& targets,
                                        const LossRule& rule) {
  State& s = *state_;
  pack(network);
  forward_training(network, batch, images);
  const ConvShape last = network.blocks.back().conv2.shape;
  const size_t pooled = size_t(batch) * size_t(network.norm.channels);
  s.pooled.resize(pooled);
  s.pooled_gradient.resize(pooled);
  s.logits.resize(size_t(batch) * size_t(network.classes));
  pool_forward(s.blocks.back().y.data(), batch, last.out_height() * last.out_width(),
               network.norm.channels, s.norm.act(), s.pooled.data());
  const auto drop = [&](std::vector<float>& features) {
    for (size_t i = 0; rule.dropout != nullptr && i < pooled; ++i) features[i] *= rule.dropout[i];
  };
  drop(s.pooled);
  linear(network, batch, s.pooled.data(), s.logits.data());
  const double loss = cross_entropy(batch, network.classes, targets, rule, s.logits.data());
  linear_backward(network, batch, s.pooled.data(), s.logits.data(), s.pooled_gradient.data());
  drop(s.pooled_gradient);
  backward(network, batch, images);
  return loss;
}

void FusedWideResNetRunner::logits(const FusedWideResNet& network, int batch, const float* images,
                                   float* out) {
  State& s = *state_;
  pack(network);
  const ConvShape stem = with_batch(network.stem, batch);
  // Three buffers take turns: a block reads one, keeps its inner activations in another, and writes
  // the third.
  size_t most = out_floats(stem);
  for (const FusedBlock& block : network.blocks) {
    most = std::max(most, out_floats(with_batch(block.conv1, batch)));
  }
  float *x = s.outer.reserve(most), *h = s.inner.reserve(most), *y = s.through.reserve(most);
  conv_forward(stem, images, Activation(), s.stem, nullptr, x, nullptr, s.workspace);
  for (size_t i = 0; i < s.blocks.size(); ++i) {
    const FusedBlock& block = network.blocks[i];
    State::Block& at = s.blocks[i];
    at.norm1.evaluate(block.norm1);
    at.norm2.evaluate(block.norm2);
    conv_forward(with_batch(block.conv1, batch), x, at.norm1.act(), at.conv1, nullptr, h, nullptr,
                 s.workspace);
    if (block.shortcut) {
      conv_forward(with_batch(*block.shortcut, batch), x, at.norm1.act(), at.shortcut, nullptr, y,
                   nullptr, s.workspace);
    }
    conv_forward(with_batch(block.conv2, batch), h, at.norm2.act(), at.conv2,
                 block.shortcut ? y : x, y, nullptr, s.workspace);
    std::swap(x, y);
  }
  s.norm.evaluate(network.norm);
  const ConvShape last = network.blocks.back().conv2.shape;
  s.pooled.resize(size_t(batch) * size_t(network.norm.channels));
  pool_forward(x, batch, last.out_height() * last.out_width(), network.norm.channels, s.norm.act(),
               s.pooled.data());
  linear(network, batch, s.pooled.data(), out);
}

}  // namespace popaug
