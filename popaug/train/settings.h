// The inputs and results of room train, as plain values.
#ifndef POPAUG_TRAIN_SETTINGS_H_
#define POPAUG_TRAIN_SETTINGS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/data/data.h"
#include "popaug/rundir/rundir.h"

namespace popaug {

// How a network is trained (docs/pba.md#search, docs/pba.md#final-training). Contains everything
// that changes the result.
struct TrainSettings {
  std::string network = "wrn-28-2";
  int batch = 128;
  double lr = 0.1;
  std::string lr_rule = "cosine";  // "cosine" (per step), "svhn-steps", "constant"
  // The factor of the L2 term of the loss (docs/pba.md#optimiser-and-learning-rate).
  double weight_decay = 5e-4;
  double momentum = 0.9;          // Nesterov's; of AdamW: beta1
  std::string optimizer = "sgd";  // "sgd" or "adamw"
  double beta2 = 0.999;           // of AdamW
  double clip = 5;                // gradient norm, L2 term inside; 0: none
  double label_smoothing = 0;
  // "balanced": an epoch has as many images, but every class equally often.
  std::string sampling = "shuffled";
  bool class_weights = false;  // weighs classes in the loss by the inverse of their size
  double head_dropout = 0;     // probability that the head does not see a feature
  int accumulate = 1;          // parts of a batch, one after the other, whose gradients are summed
  int warmup_steps = 0;
  double ema = 0;  // decay of the average of the weights that is evaluated and kept; 0: none
  std::string conv = "auto";     // "auto", "exact" or "fast" (docs/decisions/conv-fast.md)
  std::string device = "cpu";    // "cpu", "cuda", "cuda:N", "auto"; for searches a list with ','
  bool paper_pixels = false;     // pixel values unscaled (docs/architecture.md#pixels-scale)
  double resized_crop = 0;       // 0: as the base transforms say
  int shards = 1;                // parts of a batch, each with its own batch statistics
  bool mixed_precision = false;  // on a GPU: half precision where autocast allows it
  std::string init;              // safetensors to start from; "": drawn weights
  std::string model;             // TorchScript file instead of `network`; "": none
  // Fine-tuning from `init`. In the first epochs only the head (the layer that makes the logits)
  // trains, on the features of the rest as evaluation computes them.
  int head_epochs = 0;
  double trunk_lr_factor = 1;  // what the learning rate is multiplied by for all but the head
  double layer_decay = 1;      // ... and by this for each block between a layer and the head
  bool freeze_norm = false;    // batch norms keep the running statistics that `init` brings
};

// A labelled part of a split. `split` is not owned and must outlive the work.
struct Subset {
  const ImageSet* split = nullptr;
  std::vector<uint32_t> indices;
};

// The result of an evaluation, image by image in the order of the subset.
struct Evaluation {
  int64_t images = 0, wrong = 0;
  double loss = 0;                              // mean cross-entropy
  std::vector<uint8_t> correct;                 // [images] 0 or 1
  std::vector<std::vector<int64_t>> confusion;  // [label][predicted]
  std::vector<float> confidence;                // [images] probability of the predicted class
  std::vector<uint32_t> predicted;              // [images]
  double accuracy() const { return images ? 1.0 - double(wrong) / double(images) : 0; }
  // The share of correct labels, averaged over the classes that occur.
  double balanced_accuracy() const {
    double sum = 0;
    int present = 0;
    for (size_t label = 0; label < confusion.size(); ++label) {
      int64_t all = 0;
      for (const int64_t count : confusion[label]) all += count;
      if (all == 0) continue;
      sum += double(confusion[label][label]) / double(all);
      ++present;
    }
    return present ? sum / present : 0;
  }
};

struct TrainReport {
  std::vector<double> train_loss;           // per epoch
  std::vector<double> validation_accuracy;  // per epoch; empty without a validation split
  int best_epoch = 0;                       // whose weights best.safetensors holds, from 1
  int64_t images_trained = 0;
  double seconds = 0;
  int64_t steps = 0;
};

// Options of train_network that do not change its result, or that add to it.
struct TrainOptions {
  std::shared_ptr<RunDirectory> run = {};  // already opened by the caller; else opened here
  Subset validation = {};  // split == nullptr: none, and the best weights are the last
  bool resume = false;
  double checkpoint_seconds = 60;   // between checkpoints, at ends of epochs
  std::string resume_command = {};  // for the sentence that ends an interrupted training
};

// What a measured step works on, besides the settings.
struct SpeedWork {
  int channels = 3, height = 32, width = 32, classes = 10;
  bool evaluation = false;  // a forward pass as evaluation makes it, instead of a training step
  bool unfolded = false;    // for evaluation: no batch norm is folded
};

}  // namespace popaug

#endif  // POPAUG_TRAIN_SETTINGS_H_
