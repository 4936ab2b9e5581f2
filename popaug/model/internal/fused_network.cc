// One training step of a residual network, written out by hand.
//
// Autograd runs each operation on its own: a batch norm reads its input and writes its output, ReLU
// reads and writes it again, then the convolution reads it. On a CPU these passes over memory cost
// as much as the multiplications. Here every convolution of room kernels takes its neighbours
// along:
//
//   forward    y = conv(clip(norm(x))) + residual, and the moments of y, in one pass over x and y.
//              The moments are all that the next norm needs, so no normalised tensor exists.
//   backward   from the gradient of y, the convolution computes the gradient of act(x) times the
//              mask of the clip, and its sums, in one pass. With these sums, NormStep::backward
//              describes the gradient of x as a formula per channel (kernels::Gradient), and the
//              convolution that made x evaluates the formula row by row while it reads.
//
// Three kinds of residual sums exist. In a pre-activation network a convolution adds the raw value
// as it writes (`other` of kConv); the gradient of the sum is stored once, while the convolution
// evaluates the formula (`keep`), and flows on as the raw gradient of that value. Elsewhere kAdd
// stores norm(y) + x, clipped; its masked gradient is at the same time that of both summands, so it
// is not copied: several values share a buffer, and a convolution writes into the buffer of the
// gradient that it adds where nothing else needs it.
// Shake-Shake's kMix stores the sum as it is: its branches read it through ReLU, the next sum raw.
//
// The gradient of act(x) is the sum over all steps that read x. The first of them is the last to be
// visited on the way back: it masks the sum and collects its sums for the norm.
#include "popaug/model/internal/fused_network.h"

#include "popaug/model/internal/fused_state.h"

namespace popaug {

using kernels::Activation;
using Kind = FusedStep::Kind;

void FusedRunner::State::pack(const FusedNetwork& network, bool same_weights) {
  const FusedStep& first = network.steps.front();
  const bool same_size = first.height == packed_height && first.width == packed_width;
  values.resize(network.steps.size() + 1);
  if (same_weights && same_size) return;
  packed_height = first.height;
  packed_width = first.width;
  for (size_t i = 0; i < network.steps.size(); ++i) {
    const FusedStep& step = network.steps[i];
    if (step.kind == Kind::kConv) values[i + 1].weights.pack(step.conv.shape, step.conv.weight);
  }
}

// Fills in which steps read each value: first_reader as an activation, last_reader in any way.
void FusedRunner::State::find_readers(const FusedNetwork& network) {
  for (Value& value : values) value.first_reader = value.last_reader = -1;
  for (int i = 0; i < int(network.steps.size()); ++i) {
    const FusedStep& step = network.steps[size_t(i)];
    const auto reads = [&](int value) {
      Value& read = values[size_t(value)];
      if (read.first_reader < 0) read.first_reader = i;
      read.last_reader = i;
    };
    const auto reads_raw = [&](int value) {
      if (value >= 0) values[size_t(value)].last_reader = i;
    };
    if (step.kind == Kind::kPair) {
      reads_raw(step.input);
    } else {
      reads(step.input);
    }
    if (step.second >= 0) reads(step.second);
    if (step.kind == Kind::kAdd || adds_norm(network, step)) {
      reads(step.other);
    } else {
      reads_raw(step.other);
    }
  }
}

// How steps read a value.
Activation FusedRunner::State::act(const FusedNetwork& network, int value) const {
  if (value == 0) return {};
  const FusedStep& step = network.steps[size_t(value) - 1];
  if (step.norm || step.kind == Kind::kMix) return values[size_t(value)].norm.act(step.clip);
  Activation made;
  made.clip = step.clip;  // of a sum, which is stored as it is read
  return made;
}

// A value as kMix reads it.
Summand FusedRunner::State::summand(const FusedNetwork& network, int value) const {
  if (value < 0) return {};
  const bool raw = network.steps[size_t(value) - 1].kind == Kind::kMix;
  return {values[size_t(value)].data, raw ? Activation() : act(network, value)};
}

// Runs step i. In evaluation, buffers that no later step reads are lent again.
void FusedRunner::State::run(const FusedNetwork& network, size_t i, int batch, bool training,
                             kernels::Moments* moments) {
  const FusedStep& step = network.steps[i];
  Value &in = values[size_t(step.input)], &out = values[i + 1];
  out.buffer = pool.take(floats_of(step, batch));
  out.data = out.buffer->data();
  float* y = out.buffer->data();
  const Activation read = act(network, step.input);
  const float* other = step.other >= 0 ? values[size_t(step.other)].data : nullptr;
  switch (step.kind) {
    case Kind::kConv:
      kernels::conv_forward(with_batch(step.conv, batch), in.data, read, out.weights, other, y,
                            moments, workspace);
      break;
    case Kind::kAdd:
      kernels::add(in.data, read, other, act(network, step.other), step.clip,
                   pixels_of(step, batch), step.channels, y);
      break;
    case Kind::kMaxPool: {
      const FusedStep& from = network.steps[size_t(step.input) - 1];
      kernels::max_pool_forward(in.data, batch, from.height, from.width, step.channels, read, y,
                                workspace);
      break;
    }
    case Kind::kSubsample:
      subsample(grid_of(network.steps[size_t(step.input) - 1], step.stride, batch), in.data, read,
                step.channels, y);
      break;
    case Kind::kPair:
      pair_pixels(grid_of(network.steps[size_t(step.input) - 1], step.stride, batch), in.data,
                  step.shift, y);
      break;
    case Kind::kMix:
      mix_images(batch, size_t(step.height) * size_t(step.width), step.channels,
                 summand(network, step.input), summand(network, step.second),
                 summand(network, step.other), step.forth, y);
      out.norm.keep(step.channels);
      break;
  }
  if (training) return;
  for (const int value : {step.input, step.other, step.second}) {
    if (value > 0 && values[size_t(value)].last_reader == int(i)) {
      values[size_t(value)].buffer.reset();
    }
  }
}

void FusedRunner::State::forward(const FusedNetwork& network, int batch, const float* images,
                                 bool training, bool batch_statistics) {
  find_readers(network);
  for (Value& value : values) value.buffer.reset();
  values[0].data = images;
  for (size_t i = 0; i < network.steps.size(); ++i) {
    const FusedStep& step = network.steps[i];
    const bool counts = batch_statistics && step.norm.has_value();
    kernels::Moments moments(counts ? step.channels : 0);
    run(network, i, batch, training, counts ? &moments : nullptr);
    if (counts) {
      values[i + 1].norm.train(*step.norm, moments);
    } else if (step.norm) {
      values[i + 1].norm.evaluate(*step.norm);
    }
  }
}

void FusedRunner::State::pool_features(const FusedNetwork& network, int batch) {
  const FusedStep& last = network.steps.back();
  features.resize(size_t(batch) * size_t(last.channels));
  kernels::pool_forward(values.back().data, batch, last.height * last.width, last.channels,
                        act(network, int(network.steps.size())), features.data());
}

FusedRunner::FusedRunner() : state_(std::make_unique<State>()) {}
FusedRunner::~FusedRunner() = default;

double FusedRunner::gradients(const FusedNetwork& network, int batch, const float* images,
                              const FusedTargets& targets, const LossRule& rule,
                              const FusedPass& pass) {
  State& s = *state_;
  s.pack(network, false);
  s.forward(network, batch, images, !pass.head_only, pass.batch_statistics && !pass.head_only);
  s.pool_features(network, batch);
  const double loss = s.head.gradients(network.head, batch, s.features.data(), targets, rule,
                                       pass.head_only, s.workspace);
  if (!pass.head_only) s.backward(network, batch);
  return loss;
}

void FusedRunner::logits(const FusedNetwork& network, int batch, const float* images,
                         bool same_weights, float* out) {
  State& s = *state_;
  s.pack(network, same_weights);
  s.forward(network, batch, images, false, false);
  s.pool_features(network, batch);
  s.head.forward(network.head, batch, s.features.data(), out, s.workspace);
}

}  // namespace popaug
