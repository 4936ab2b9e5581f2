// The way back of a hand-written pass (fused_network.cc describes both).
#include <cassert>
#include <utility>

#include "popaug/model/internal/fused_state.h"

namespace popaug {

using kernels::Clip;
using kernels::ConvShape;
using kernels::Gradient;
using kernels::GradientSums;
using Kind = FusedStep::Kind;
using Shared = SharedBuffer;

// Prepares the sums that the norm of a value needs with its gradient d; false if none does. Those
// of a sum are those of its first summand, whose gradient is the same.
bool FusedRunner::State::starts_sums(const FusedNetwork& network, int value) {
  if (value == 0) return false;
  const FusedStep& step = network.steps[size_t(value) - 1];
  const bool add = step.kind == Kind::kAdd;
  if (!step.norm && !add) return false;
  GradientSums& sums = flows[size_t(value)].sums;
  sums = GradientSums(step.channels);
  if (add) {
    sums.x = values[size_t(step.input)].data;
    sums.mean = values[size_t(step.input)].norm.act().mean;
  }
  return true;
}

void FusedRunner::State::conv_backward(const FusedNetwork& network, size_t i, int batch) {
  const FusedStep& step = network.steps[i];
  Value &in = values[size_t(step.input)], &out = values[i + 1];
  Flow &from = flows[i + 1], &to = flows[size_t(step.input)];
  Gradient gradient;
  Shared whole = from.d ? from.d : from.raw;  // the gradient of the value, if no norm follows
  if (step.norm) {
    gradient = out.norm.backward(*step.norm, from.sums, data_of(from.d), out.data);
    gradient.add = data_of(from.raw);
    if (step.other >= 0) {
      whole = BufferPool::unique(from.raw) ? from.raw : pool.take(floats_of(step, batch));
      gradient.keep = whole->data();
    }
  } else {
    gradient.grad = data_of(whole);
  }
  if (step.other >= 0) flows[size_t(step.other)].raw = whole;

  const ConvShape shape = with_batch(step.conv, batch);
  float* d = nullptr;
  Shared result;
  GradientSums* sums = nullptr;
  const bool first = in.first_reader == int(i);
  const float* addend = data_of(to.view);
  if (step.input > 0) {
    result = BufferPool::unique(to.view) ? std::move(to.view)
                                         : pool.take(shape.in_pixels() * size_t(shape.in));
    d = result->data();
    if (first && starts_sums(network, step.input)) sums = &to.sums;
  }
  kernels::conv_backward(shape, in.data, act(network, step.input), out.weights, gradient,
                         step.conv.gradient, addend, d, sums, workspace);
  to.view.reset();
  (first ? to.d : to.view) = std::move(result);
}

// Gives a summand its gradient, with the sums that its norm needs. The norm of a summand has no
// clip, so d stays what it is.
void FusedRunner::State::give(const FusedNetwork& network, int value, Shared d, int batch) {
  const FusedStep& made = network.steps[size_t(value) - 1];
  Flow& to = flows[size_t(value)];
  to.d = std::move(d);
  if (!starts_sums(network, value)) return;
  kernels::mask_and_sum(values[size_t(value)].data, to.d->data(), pixels_of(made, batch),
                        made.channels, act(network, value), to.d->data(), &to.sums);
}

void FusedRunner::State::add_backward(const FusedNetwork& network, size_t i, int batch) {
  const FusedStep& step = network.steps[i];
  Flow &from = flows[i + 1], &first = flows[size_t(step.input)];
  Flow& second = flows[size_t(step.other)];
  first.d = from.d;
  first.sums = std::move(from.sums);
  if (values[size_t(step.other)].first_reader == int(i)) {
    give(network, step.other, from.d, batch);
    return;
  }
  assert(second.view == nullptr);
  second.view = from.d;
}

void FusedRunner::State::max_pool_backward(const FusedNetwork& network, size_t i, int batch) {
  const FusedStep& step = network.steps[i];
  const FusedStep& made = network.steps[size_t(step.input) - 1];
  Flow &from = flows[i + 1], &to = flows[size_t(step.input)];
  to.d = pool.take(floats_of(made, batch));
  GradientSums* sums = starts_sums(network, step.input) ? &to.sums : nullptr;
  kernels::max_pool_backward(values[size_t(step.input)].data, values[i + 1].data, data_of(from.d),
                             batch, made.height, made.width, made.channels,
                             act(network, step.input), to.d->data(), sums, workspace);
}

void FusedRunner::State::subsample_backward(const FusedNetwork& network, size_t i, int batch) {
  const FusedStep& step = network.steps[i];
  const FusedStep& made = network.steps[size_t(step.input) - 1];
  Flow &from = flows[i + 1], &to = flows[size_t(step.input)];
  // Those of a kPair are of the raw value.
  Shared& d = step.kind == Kind::kPair ? to.raw : to.view;
  assert(d == nullptr);
  d = pool.take(floats_of(made, batch));
  const PixelGrid grid = grid_of(made, step.stride, batch);
  if (step.kind == Kind::kPair) {
    pair_pixels_backward(grid, data_of(from.d), step.shift, d->data());
  } else {
    popaug::subsample_backward(grid, data_of(from.d), step.channels, d->data());
  }
}

// The gradient of a mix is that of its clipped and of its raw readers; the branches get their
// shares of it, and the rest all of it.
void FusedRunner::State::mix_backward(const FusedNetwork& network, size_t i, int batch) {
  const FusedStep& step = network.steps[i];
  Flow& from = flows[i + 1];
  const size_t pixels = pixels_of(step, batch);
  float* whole = from.d->data();
  if (from.raw) {
    kernels::add(whole, values[i + 1].norm.act(Clip::kNone), data_of(from.raw), {}, Clip::kNone,
                 pixels, step.channels, whole);
  }
  if (step.second < 0) return give(network, step.input, from.d, batch);
  for (const int branch : {step.input, step.second}) {
    const Shared scaled = pool.take(floats_of(step, batch));
    scale_images(batch, pixels / size_t(batch), step.channels, whole, step.back,
                 branch == step.second, scaled->data());
    give(network, branch, scaled, batch);
  }
  if (adds_norm(network, step)) {
    give(network, step.other, from.d, batch);
  } else {
    flows[size_t(step.other)].raw = from.d;
  }
}

void FusedRunner::State::backward(const FusedNetwork& network, int batch) {
  const FusedStep& last = network.steps.back();
  flows.assign(values.size(), Flow());
  Flow& end = flows.back();
  end.d = pool.take(floats_of(last, batch));
  GradientSums* sums = starts_sums(network, int(network.steps.size())) ? &end.sums : nullptr;
  kernels::pool_backward(values.back().data, features.data(), batch, last.height * last.width,
                         last.channels, act(network, int(network.steps.size())), end.d->data(),
                         sums);
  for (size_t i = network.steps.size(); i-- > 0;) {
    switch (network.steps[i].kind) {
      case Kind::kConv:
        conv_backward(network, i, batch);
        break;
      case Kind::kAdd:
        add_backward(network, i, batch);
        break;
      case Kind::kMaxPool:
        max_pool_backward(network, i, batch);
        break;
      case Kind::kSubsample:
      case Kind::kPair:
        subsample_backward(network, i, batch);
        break;
      case Kind::kMix:
        mix_backward(network, i, batch);
        break;
    }
    flows[i + 1] = Flow();
  }
}

}  // namespace popaug
