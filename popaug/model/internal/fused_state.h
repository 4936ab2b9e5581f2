// The state of a hand-written pass: fused_network.cc goes forward, fused_backward.cc back.
#ifndef POPAUG_MODEL_INTERNAL_FUSED_STATE_H_
#define POPAUG_MODEL_INTERNAL_FUSED_STATE_H_

#include <vector>

#include "popaug/model/internal/buffer_pool.h"
#include "popaug/model/internal/fused_network.h"
#include "popaug/model/internal/fused_pixels.h"

namespace popaug {

inline kernels::ConvShape with_batch(const FusedConv& conv, int batch) {
  kernels::ConvShape shape = conv.shape;
  shape.batch = batch;
  return shape;
}

// Whether a kMix adds a shortcut with a norm, rather than a raw value.
inline bool adds_norm(const FusedNetwork& network, const FusedStep& step) {
  return step.kind == FusedStep::Kind::kMix && step.other >= 0 &&
         network.steps[size_t(step.other) - 1].norm.has_value();
}

inline size_t pixels_of(const FusedStep& step, int batch) {
  return size_t(batch) * size_t(step.height) * size_t(step.width);
}
inline size_t floats_of(const FusedStep& step, int batch) {
  return pixels_of(step, batch) * size_t(step.channels);
}

// The pixels that a step takes from a value.
inline PixelGrid grid_of(const FusedStep& from, int stride, int batch) {
  return {batch, from.height, from.width, from.channels, stride};
}

struct FusedRunner::State {
  // A value of this batch; its norm is that of the step that made it.
  struct Value {
    const float* data = nullptr;
    SharedBuffer buffer;
    NormStep norm;
    kernels::Weights weights;  // of the step that makes it
    int first_reader = -1, last_reader = -1;
  };
  // What is known of the gradients of a value on the way back.
  struct Flow {
    SharedBuffer view;  // the sum so far of the gradients of act(value)
    SharedBuffer raw;   // the gradient of the value itself, from a convolution that adds it
    SharedBuffer d;     // the gradient of act(value), complete and masked
    kernels::GradientSums sums;
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
  Summand summand(const FusedNetwork& network, int value) const;
  void pool_features(const FusedNetwork& network, int batch);
  kernels::Activation act(const FusedNetwork& network, int value) const;
  bool starts_sums(const FusedNetwork& network, int value);
  void backward(const FusedNetwork& network, int batch);
  void conv_backward(const FusedNetwork& network, size_t i, int batch);
  void give(const FusedNetwork& network, int value, SharedBuffer d, int batch);
  void add_backward(const FusedNetwork& network, size_t i, int batch);
  void max_pool_backward(const FusedNetwork& network, size_t i, int batch);
  void subsample_backward(const FusedNetwork& network, size_t i, int batch);
  void mix_backward(const FusedNetwork& network, size_t i, int batch);
};

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_FUSED_STATE_H_
