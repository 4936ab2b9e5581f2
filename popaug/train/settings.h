// What room train is told and what it answers: plain values.
#ifndef POPAUG_TRAIN_SETTINGS_H_
#define POPAUG_TRAIN_SETTINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/data/data.h"

namespace popaug {

// How a network is trained (REFERENCE 4, 5). Everything that changes the result.
struct TrainSettings {
  std::string network = "wrn-28-2";
  int batch = 128;
  double lr = 0.1;
  std::string lr_rule = "cosine";  // "cosine" (per step), "svhn-steps", "constant"
  double weight_decay = 5e-4;      // the L2 term of the loss (REFERENCE 4)
  double momentum = 0.9;
  double clip = 5;  // gradient norm, L2 term inside; 0: none
  double label_smoothing = 0;
  int warmup_steps = 0;
  std::string conv = "exact";    // "fast" or "exact"
  std::string device = "cpu";    // "cpu", "cuda", "cuda:N", "auto"; for searches a list with ','
  bool paper_pixels = false;     // pixel values unscaled (DESIGN 4.7)
  double resized_crop = 0;       // 0: the base transforms say
  int shards = 1;                // parts of a batch, each with its own batch statistics
  bool mixed_precision = false;  // on a GPU: half precision where autocast allows it
  std::string init;              // safetensors to start from; "": drawn weights
  std::string model;             // TorchScript file instead of `network`; "": none
};

// How the weights move and on what part of an image, in the order that records and hashes of runs
// hold it. Here, because who records a run need not link the library that trains it.
inline Json learning_json(const TrainSettings& s) {
  Json json = {{"batch", s.batch},
               {"lr", s.lr},
               {"lr_rule", s.lr_rule},
               {"weight_decay", s.weight_decay},
               {"momentum", s.momentum},
               {"clip", s.clip},
               {"label_smoothing", s.label_smoothing},
               {"warmup_steps", s.warmup_steps},
               {"conv", s.conv}};
  // Only where it is on: runs from before it can be resumed.
  if (s.resized_crop > 0) json["resized_crop"] = s.resized_crop;
  return json;
}

// A labelled part of a split. `split` is not owned and must outlive the work.
struct Subset {
  const Split* split = nullptr;
  std::vector<uint32_t> indices;
};

// What evaluation finds, image by image in the subset's order.
struct Evaluation {
  int64_t images = 0, wrong = 0;
  double loss = 0;                              // mean cross-entropy
  std::vector<uint8_t> correct;                 // [images] 0 or 1
  std::vector<std::vector<int64_t>> confusion;  // [label][predicted]
  std::vector<float> confidence;                // [images] probability of the predicted class
  std::vector<uint32_t> predicted;              // [images]
  double accuracy() const { return images ? 1.0 - double(wrong) / double(images) : 0; }
  // Mean over the classes that occur of the share of right labels.
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
  std::vector<std::string> notes;  // sentences: tensors that --init left, resumed epochs
};

// What changes no result of train_network, or adds to it.
struct TrainOptions {
  Subset validation = {};  // split == nullptr: none, and the best weights are the last
  bool resume = false;
  double checkpoint_seconds = 60;   // between checkpoints, at ends of epochs
  std::string resume_command = {};  // for the sentence that ends an interrupted training
};

// What a measured step works on, beside the settings.
struct SpeedWork {
  int channels = 3, height = 32, width = 32, classes = 10;
  bool evaluation = false;  // a forward pass as evaluation makes it, instead of a training step
  bool unfolded = false;    // of evaluation: every batch norm on its own
};

}  // namespace popaug

#endif  // POPAUG_TRAIN_SETTINGS_H_
