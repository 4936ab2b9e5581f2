// The layers that networks are made of: tensors and how to apply them.
#ifndef POPAUG_MODEL_INTERNAL_LAYERS_TORCH_H_
#define POPAUG_MODEL_INTERNAL_LAYERS_TORCH_H_

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace popaug {

using at::Tensor;

// kExact: torch's convolutions. kFast: room kernels wherever they fit. kAuto: for each layer
// whichever is faster for its shape (conv_choice.h).
enum class ConvMode { kExact, kFast, kAuto };

// Convolutions with the following batch norm folded in, kept for one evaluation.
using FoldCache = std::map<const void*, std::pair<Tensor, Tensor>>;

// What one pass through a network needs besides the images. The draws of shake and drop come from
// Philox by (seed, kNetwork, stream, epoch, step and block), image after image of the whole batch.
struct Pass {
  bool training = false;
  ConvMode conv = ConvMode::kExact;
  uint64_t seed = 0, stream = 0, epoch = 0, step = 0;
  int64_t first_image = 0;                    // place of image 0 of this pass in the whole batch
  FoldCache* folded = nullptr;                // evaluation only; nullptr: nothing is folded
  bool half_precision = false;                // on a GPU: bfloat16 where autocast allows it
  std::span<const float> class_weights = {};  // in the loss, a number a class; empty: all 1
  int64_t* activations = nullptr;             // counts the numbers that a backward pass would need
  std::vector<Tensor>* record = nullptr;      // gets the mixes of shake and drop, block by block
  bool frozen_norm = false;                   // in training, batch norms use the running statistics
  bool head_only = false;                     // only the head gets gradients; not with `training`
  double head_dropout = 0;                    // of the features that the head gets, 0..1

  // Whether features are dropped: in training, of the whole network or of the head alone.
  bool drops() const { return head_dropout > 0 && (training || head_only); }
  // Whether batch norms use the statistics of the batch, and move the running ones.
  bool batch_statistics() const { return training && !frozen_norm; }
};

// Weight [out, in / groups, kernel, kernel]. Padded by `padding` on all sides; or, with `same`, as
// TensorFlow's "SAME" pads, the odd pixel last (published networks, docs/pba.md#networks).
struct Conv {
  Tensor weight;
  int stride = 1;
  int padding = 0;
  bool same = false;
  int groups = 1;  // as many as channels: depthwise
  Tensor bias;     // [out]; undefined: none
};

struct BatchNorm {
  Tensor weight, bias;               // [channels], trained
  Tensor running_mean, running_var;  // [channels], for evaluation
  double momentum = 0.1;             // weight of the newest batch (1 - decay)
  double epsilon = 1e-5;
};

struct Linear {
  Tensor weight, bias;  // [out, in], [out]
};

// Batch normalisation by the statistics of the batch, updating the running ones, or by the running
// ones: pass.batch_statistics().
Tensor batch_norm(const Tensor& x, const BatchNorm& norm, const Pass& pass);
Tensor linear(const Tensor& x, const Linear& layer);
// The layer that makes the logits: linear(x * dropout_factors(...)), or linear(x) unless features
// are dropped.
Tensor head(const Tensor& x, const Linear& layer, const Pass& pass);
// Mean over all pixels: [n, c, h, w] -> [n, c].
Tensor global_mean(const Tensor& x);
// x min(max(x + 3, 0), 6) / 6 (MobileNetV3, 1905.02244, section 5.2).
Tensor hard_swish(const Tensor& x, const Pass& pass);
// Adds zero channels before and after those of x.
Tensor pad_channels(const Tensor& x, int64_t before, int64_t after);
// Means of 2x2 or 4x4 pixels; sides that do not divide are rounded up, as convolutions do.
Tensor average_pool(const Tensor& x, int64_t side);

}  // namespace popaug

#endif  // POPAUG_MODEL_INTERNAL_LAYERS_TORCH_H_
