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
// Two kinds of residual sums exist. In a pre-activation network a convolution adds the raw value as
// it writes (`other` of kConv); the gradient of the sum is stored once, while the convolution
// evaluates the formula (`keep`), and flows on as the raw gradient of that value. Elsewhere kAdd
// stores norm(y) + x, clipped; its masked gradient is at the same time that of both summands, so it
// is not copied: several values share a buffer, and a convolution writes into the buffer of the
// gradient that it adds where nothing else needs it.
//
// The gradient of act(x) is the sum over all steps that read x. The first of them is the last to be
// visited on the way back: it masks the sum and collects its sums for the norm.
#include "popaug/model/internal/fused_network.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace popaug {
namespace {

using kernels::Activation;
using kernels::Buffer;
using kernels::Clip;
using kernels::ConvShape;
using kernels::Gradient;
using kernels::GradientSums;
using Kind = FusedStep::Kind;

// A buffer that several values may share.
using Shared = std::shared_ptr<Buffer>;

// Lends buffers; one whose last borrower has dropped it is lent again.
class BufferPool {
 public:
  Shared take(size_t floats) {
    Shared* best = nullptr;  // the smallest that is large enough, else the largest
    for (Shared& buffer : all_) {
      if (buffer.use_count() > 1) continue;
      const bool fits = buffer->size() >= floats;
      if (best == nullptr || (fits ? (*best)->size() < floats || buffer->size() < (*best)->size()
                                   : (*best)->size() < buffer->size())) {
        best = &buffer;
      }
    }
    if (best == nullptr) best = &all_.emplace_back(std::make_shared<Buffer>());
    (*best)->reserve(floats);
    return *best;
  }
  // Whether `buffer` is the only handle outside of the pool.
  static bool unique(const Shared& buffer) { return buffer != nullptr && buffer.use_count() == 2; }

 private:
  std::vector<Shared> all_;
};

ConvShape with_batch(const FusedConv& conv, int batch) {
  ConvShape shape = conv.shape;
  shape.batch = batch;
  return shape;
}

size_t pixels_of(const FusedStep& step, int batch) {
  return size_t(batch) * size_t(step.height) * size_t(step.width);
}
size_t floats_of(const FusedStep& step, int batch) {
  return pixels_of(step, batch) * size_t(step.channels);
}

float* data_of(const Shared& buffer) { return buffer ? buffer->data() : nullptr; }

}  // namespace

struct FusedRunner::State {
  // A value of this batch; its norm is that of the step that made it.
  struct Value {
    const float* data = nullptr;
    Shared buffer;
    NormStep norm;
    kernels::Weights weights;  // of the step that makes it
    int first_reader = -1, last_reader = -1;
  };
  // What is known of the gradients of a value on the way back.
  struct Flow {
    Shared view;  // the sum so far of the gradients of act(value)
    Shared raw;   // the gradient of the value itself, from a convolution that adds it
    Shared d;     // the gradient of act(value), complete and masked
    GradientSums sums;
  };

  std::vector<Value> values;
  std::vector<Flow> flows;
  std::vector<float> features;
  HeadStep head;
  BufferPool pool;
  kernels::Workspace workspace;
  int packed_height = 0, packed_width = 0;

  void pack(const FusedNetwork& network, bool same_weights);
  void find_readers(const FusedNetwork& network);
  void forward(const FusedNetwork& network, int batch, const float* images, bool training,
               bool batch_statistics);
  void run(const FusedNetwork& network, size_t i, int batch, bool training,
           kernels::Moments* moments);
  void subsample(const FusedNetwork& network, const FusedStep& step, int batch, float* y);
  void pool_features(const FusedNetwork& network, int batch);
  Activation act(const FusedNetwork& network, int value) const;
  bool starts_sums(const FusedNetwork& network, int value);
  void backward(const FusedNetwork& network, int batch);
  void conv_backward(const FusedNetwork& network, size_t i, int batch);
  void add_backward(const FusedNetwork& network, size_t i, int batch);
  void max_pool_backward(const FusedNetwork& network, size_t i, int batch);
  void subsample_backward(const FusedNetwork& network, size_t i, int batch);
};

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
    reads(step.input);
    if (step.kind == Kind::kAdd) reads(step.other);
    if (step.kind == Kind::kConv && step.other >= 0) values[size_t(step.other)].last_reader = i;
  }
}

// How steps read a value.
Activation FusedRunner::State::act(const FusedNetwork& network, int value) const {
  if (value == 0) return {};
  const FusedStep& step = network.steps[size_t(value) - 1];
  if (step.norm) return values[size_t(value)].norm.act(step.clip);
  Activation made;
  made.clip = step.clip;  // of a sum, which is stored as it is read
  return made;
}

void FusedRunner::State::subsample(const FusedNetwork& network, const FusedStep& step, int batch,
                                   float* y) {
  const FusedStep& from = network.steps[size_t(step.input) - 1];
  const Activation read = act(network, step.input);
  const size_t in = size_t(from.channels), out = size_t(step.channels);
  const size_t stride = size_t(step.stride), width = size_t(from.width);
  for (size_t row = 0; row < size_t(batch) * size_t(step.height); ++row) {
    const size_t image = row / size_t(step.height), top = row % size_t(step.height) * stride;
    const float* x =
        values[size_t(step.input)].data + (image * size_t(from.height) + top) * width * in;
    for (size_t ox = 0; ox < size_t(step.width); ++ox, y += out) {
      kernels::normalise(x + ox * stride * in, 1, from.channels, read, y);
      std::memset(y + in, 0, (out - in) * sizeof(float));
    }
  }
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
      subsample(network, step, batch, y);
      break;
  }
  if (training) return;
  for (const int value : {step.input, step.other}) {
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

void FusedRunner::State::add_backward(const FusedNetwork& network, size_t i, int batch) {
  const FusedStep& step = network.steps[i];
  Flow &from = flows[i + 1], &first = flows[size_t(step.input)];
  Flow& second = flows[size_t(step.other)];
  first.d = from.d;
  first.sums = std::move(from.sums);
  const Value& other = values[size_t(step.other)];
  if (other.first_reader != int(i)) {
    assert(second.view == nullptr);
    second.view = from.d;
    return;
  }
  second.d = from.d;
  if (!starts_sums(network, step.other)) return;
  // The norm of a shortcut has no clip, so d stays what it is.
  kernels::mask_and_sum(other.data, data_of(from.d), pixels_of(step, batch), step.channels,
                        act(network, step.other), second.d->data(), &second.sums);
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
  assert(to.view == nullptr);
  to.view = pool.take(floats_of(made, batch));
  float* d = to.view->data();
  std::memset(d, 0, floats_of(made, batch) * sizeof(float));
  const size_t in = size_t(made.channels), out = size_t(step.channels);
  const size_t stride = size_t(step.stride);
  const float* grad = data_of(from.d);
  for (size_t row = 0; row < size_t(batch) * size_t(step.height); ++row) {
    const size_t image = row / size_t(step.height), top = row % size_t(step.height) * stride;
    float* to_row = d + (image * size_t(made.height) + top) * size_t(made.width) * in;
    for (size_t ox = 0; ox < size_t(step.width); ++ox, grad += out) {
      std::memcpy(to_row + ox * stride * in, grad, in * sizeof(float));
    }
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
        subsample_backward(network, i, batch);
        break;
    }
    flows[i + 1] = Flow();
  }
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
