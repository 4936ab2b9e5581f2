// A pre-activation residual network (Wide-ResNet) scheduled by hand on the kernels of room kernels:
// no autograd, every buffer made once, batch norm, ReLU, residual sums and their backwards inside
// the convolutions' own passes over memory. Private to model. No torch here: the network's tensors
// come as pointers, NHWC and [out][kh][kw][in].
#ifndef POPAUG_MODEL_CONV_SCHEDULE_H_
#define POPAUG_MODEL_CONV_SCHEDULE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "popaug/kernels/kernels.h"
#include "popaug/model/conv_norm.h"

namespace popaug {

struct ScheduledConv {
  kernels::ConvShape shape;  // the batch is set by the schedule
  const float* weight = nullptr;
  float* gradient = nullptr;  // training only, here and below
};

// y = conv2(relu(norm2(conv1(a)))) + (shortcut ? shortcut(a) : x) with a = relu(norm1(x)).
struct ScheduledBlock {
  ScheduledNorm norm1, norm2;
  ScheduledConv conv1, conv2;
  std::optional<ScheduledConv> shortcut;
};

// Stem, blocks, relu(norm), mean over the pixels, a linear layer.
struct ScheduledNetwork {
  ScheduledConv stem;
  std::vector<ScheduledBlock> blocks;
  ScheduledNorm norm;
  int classes = 0;
  const float *head_weight = nullptr, *head_bias = nullptr;  // [classes][channels], [classes]
  float *head_weight_gradient = nullptr, *head_bias_gradient = nullptr;
};

// The buffers of one network in training. Not for two threads at once.
class PreactSchedule {
 public:
  PreactSchedule();
  ~PreactSchedule();

  // One batch, forward and backward: writes every gradient (none is added to what was there) and
  // moves the running statistics. Returns the mean cross-entropy with label smoothing.
  double gradients(const ScheduledNetwork& network, int batch, const float* images,
                   const int64_t* labels, double smoothing);

  // Logits [batch][classes] with the running statistics.
  void logits(const ScheduledNetwork& network, int batch, const float* images, float* out);

 private:
  struct State;
  void forward_training(const ScheduledNetwork& network, int batch, const float* images);
  void backward(const ScheduledNetwork& network, int batch, const float* images);
  void pack(const ScheduledNetwork& network);
  std::unique_ptr<State> state_;
};

}  // namespace popaug

#endif  // POPAUG_MODEL_CONV_SCHEDULE_H_
