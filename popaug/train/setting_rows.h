// The settings of a training as rows: what each means, what it may be, which records hold it, and
// whether a search may vary it. A header of its own, so that a changed help text compiles few files
// again; inline, because who records or checks a training need not link the library that trains.
#ifndef POPAUG_TRAIN_SETTING_ROWS_H_
#define POPAUG_TRAIN_SETTING_ROWS_H_

#include "popaug/base/setting.h"
#include "popaug/train/settings.h"

namespace popaug {

// One row per setting.
using TrainSettingRow = SettingRow<TrainSettings>;
inline constexpr TrainSettingRow kTrainSettings[] = {
    {setting_at<&TrainSettings::network>,
     {"training", "network", "Network, such as wrn-28-2"},
     Recorded::kElsewhere},
    {setting_at<&TrainSettings::model>,
     {"training", "model", "A TorchScript file to train instead of a built-in network"},
     Recorded::kElsewhere},
    {setting_at<&TrainSettings::init>,
     {"training", "init", "Weights to start from: a file, a run or a network's name"},
     Recorded::kElsewhere},
    {setting_at<&TrainSettings::batch>,
     {"training", "batch", "Images per step (fewer on a small set)", 1, 65536},
     Recorded::kAlways},
    {setting_at<&TrainSettings::lr>,
     {"training", "lr", "Learning rate at the start", 1e-9, 1e3},
     Recorded::kAlways,
     Searched::kLogarithm},
    {setting_at<&TrainSettings::lr_rule>,
     {"training", "lr_rule", "Learning-rate rule", 0, 0, {"cosine", "svhn-steps", "constant"}},
     Recorded::kAlways},
    {setting_at<&TrainSettings::weight_decay>,
     {"training", "weight_decay",
      "Weight of the L2 term of the loss; with adamw, of the decay beside it", 0, 1},
     Recorded::kAlways,
     Searched::kLogarithm},
    {setting_at<&TrainSettings::momentum>,
     {"training", "momentum", "Nesterov momentum; with adamw, beta1", 0, 0.9999},
     Recorded::kAlways,
     Searched::kLinear},
    {setting_at<&TrainSettings::optimizer>,
     {"training", "optimizer", "Optimiser", 0, 0, {"sgd", "adamw"}}},
    {setting_at<&TrainSettings::beta2>,
     {"training", "beta2", "With adamw, decay of the mean of squared gradients", 0, 0.999999}},
    {setting_at<&TrainSettings::clip>,
     {"training", "clip", "Largest gradient norm (0: no clipping)", 0, 1e9},
     Recorded::kAlways,
     Searched::kLinear},
    {setting_at<&TrainSettings::label_smoothing>,
     {"training", "label_smoothing", "Label smoothing", 0, 0.9},
     Recorded::kAlways,
     Searched::kLinear},
    {setting_at<&TrainSettings::head_dropout>,
     {"training", "head_dropout",
      "Probability that the classifier does not see a feature, such as 0.2 (0: no dropout)", 0,
      0.95},
     Recorded::kIfSet,
     Searched::kLinear},
    {setting_at<&TrainSettings::accumulate>,
     {"training", "accumulate",
      "Parts of a batch that are computed one after the other, to need less memory; each has its "
      "own batch statistics",
      1, 65536}},
    {setting_at<&TrainSettings::sampling>,
     {"training",
      "sampling",
      "Which images an epoch has: shuffled (each once) or balanced (every class equally often)",
      0,
      0,
      {"shuffled", "balanced"}}},
    {setting_at<&TrainSettings::class_weights>,
     {"training", "class_weights",
      "Weigh each class in the loss by the inverse of its share of the images"}},
    {setting_at<&TrainSettings::warmup_steps>,
     {"training", "warmup_steps", "Steps of linear warm-up", 0, 1e9},
     Recorded::kAlways},
    {setting_at<&TrainSettings::ema>,
     {"training", "ema",
      "Decay of an exponential moving average of the weights, which is then evaluated and kept as "
      "best.safetensors, such as 0.999 (0: none)",
      0, 0.999999}},
    {setting_at<&TrainSettings::conv>,
     {"training",
      "conv",
      "Convolution kernels on a CPU: exact (torch's), fast (popaug's), auto (each where it is "
      "faster)",
      0,
      0,
      {"auto", "exact", "fast"}},
     Recorded::kAlways},
    {setting_at<&TrainSettings::shards>,
     {"training", "shards", "Replicas that share each batch", 1, 1024, {}, kTrainVerb},
     Recorded::kElsewhere},
    {setting_at<&TrainSettings::mixed_precision>,
     {"training", "mixed_precision", "Half precision on a GPU"},
     Recorded::kElsewhere},
    {setting_at<&TrainSettings::head_epochs>,
     {"training", "head_epochs",
      "Epochs at the start in which only the classifier trains, on the weights of setting \"init\"",
      0, 1e6}},
    {setting_at<&TrainSettings::trunk_lr_factor>,
     {"training", "trunk_lr_factor",
      "What the learning rate is multiplied by for all layers but the classifier", 1e-6, 1},
     Recorded::kIfSet,
     Searched::kLogarithm},
    {setting_at<&TrainSettings::layer_decay>,
     {"training", "layer_decay",
      "What the learning rate is also multiplied by for each block between a layer and the "
      "classifier, such as 0.8",
      1e-3, 1},
     Recorded::kIfSet,
     Searched::kLogarithm},
    {setting_at<&TrainSettings::freeze_norm>,
     {"training", "freeze_norm",
      "Batch norms keep the running statistics of setting \"init\" while the network trains"}},
    {setting_at<&TrainSettings::resized_crop>,
     {"augment", "resized_crop",
      "Random resized crop instead of padding and crop: its smallest share of the area, such as "
      "0.35 (0: none)",
      0, 1},
     Recorded::kIfSet,
     Searched::kLinear},
    {setting_at<&TrainSettings::paper_pixels>,
     {"augment", "paper_pixels", "Do not scale values in pixels with the size of the images"},
     Recorded::kElsewhere},
    {setting_at<&TrainSettings::device>,
     {"run", "device", "Where to compute: cpu, cuda, cuda:N or auto"},
     Recorded::kElsewhere},
};

// How the weights move and on what part of an image, in the order of the rows, which records and
// hashes of runs hold.
inline Json training_record(const TrainSettings& settings) {
  const TrainSettings defaults;
  Json json = Json::object();
  for (const TrainSettingRow& row : kTrainSettings) {
    const bool set = row.get(settings) != row.get(defaults);
    if (row.recorded == Recorded::kAlways || (row.recorded == Recorded::kIfSet && set)) {
      json[row.setting.key] = row.get(settings);
    }
  }
  return json;
}

}  // namespace popaug

#endif  // POPAUG_TRAIN_SETTING_ROWS_H_
