#include "cli/settings_table.h"

#include <algorithm>

namespace popaug::cli {
namespace {

constexpr unsigned kAll = kSearchVerb | kTrainVerb | kCompareVerb | kAuditVerb | kChooseVerb;
constexpr unsigned kFit = kAll;
constexpr double kMaxCount = 1e9;

}  // namespace

std::string SettingRow::flag() const {
  std::string flag = std::string("--") + key;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

const std::vector<SettingRow>& setting_rows() {
  using S = Settings;
  static const std::vector<SettingRow> rows = {
      {"data", "data", &S::data, kAll,
       "Images: a folder, manifest, IDX, CIFAR, SVHN, npz or packed file"},
      {"data", "size", &S::size, kAll, "Resize every image to N or WxH pixels"},
      {"data", "scaled_decoding", &S::scaled_decoding, kAll, kScaledDecodingHelp},
      {"data", "split", &S::split, kAll, "A split file made by 'popaug data split'"},
      {"data", "train_size", &S::train_size, kAll, "Training images (0: all that are left)", 0,
       kMaxCount},
      {"data", "val_size", &S::val_size, kAll, "Validation images taken from the training split", 0,
       kMaxCount},
      {"data", "all_labels", &S::all_labels, kTrainVerb | kCompareVerb,
       "Train on the validation images of --split too: all that a search saw labels of"},

      {"training", "network", &S::network, kFit, "Network, such as wrn-28-2"},
      {"training", "model", &S::model, kFit,
       "A TorchScript file to train instead of a built-in network"},
      {"training", "init", &S::init, kFit, "A safetensors file with weights to start from"},
      {"training", "epochs", &S::epochs, kAll, "Epochs in total", 0, 1e6},
      {"training", "batch", &S::batch, kFit, "Images per step", 1, 65536},
      {"training", "lr", &S::lr, kFit, "Learning rate at the start", 1e-9, 1e3},
      {"training",
       "lr_rule",
       &S::lr_rule,
       kFit,
       "Learning-rate rule",
       0,
       0,
       {"cosine", "svhn-steps", "constant"}},
      {"training", "weight_decay", &S::weight_decay, kFit, "Weight of the L2 term of the loss", 0,
       1},
      {"training", "momentum", &S::momentum, kFit, "Nesterov momentum", 0, 0.9999},
      {"training", "clip", &S::clip, kFit, "Largest gradient norm (0: no clipping)", 0, 1e9},
      {"training", "label_smoothing", &S::label_smoothing, kFit, "Label smoothing", 0, 0.9},
      {"training", "warmup_steps", &S::warmup_steps, kFit, "Steps of linear warm-up", 0, kMaxCount},
      {"training", "conv", &S::conv, kFit, "Convolution kernels on a CPU", 0, 0, {"exact", "fast"}},
      {"training", "shards", &S::shards, kTrainVerb, "Replicas that share each batch", 1, 1024},
      {"training", "mixed_precision", &S::mixed_precision, kFit, "Half precision on a GPU"},

      {"augment", "augment", &S::augment, kTrainVerb,
       "A baseline instead of a schedule (none, flipcrop, trivial, randaugment-2-9, ...)"},
      {"augment", "schedule", &S::schedule, kTrainVerb | kCompareVerb | kChooseVerb,
       "A schedule file or a shipped name"},
      {"augment", "space", &S::space, kSearchVerb | kCompareVerb | kAuditVerb,
       "Space of ops: a name or a TOML file"},
      {"augment", "flip", &S::flip, kSearchVerb | kCompareVerb, "Probability of a horizontal flip",
       0, 1},
      {"augment", "pad", &S::pad, kSearchVerb | kCompareVerb,
       "Pixels of padding before the random crop, at side 32 (0: no crop)", 0, 1024},
      {"augment", "cutout", &S::cutout, kSearchVerb | kCompareVerb,
       "Side of the base cutout in pixels, at side 32 (0: none)", 0, 1024},
      {"augment", "resized_crop", &S::resized_crop, kAll,
       "Random resized crop instead of padding and crop: its least share of the area, such as 0.35 "
       "(0: none)",
       0, 1},
      {"augment", "paper_pixels", &S::paper_pixels, kAll,
       "Keep values in pixels as they are, whatever the side"},
      {"augment", "plugin", &S::plugin, kAll, "A shared object with ops of your own"},

      {"search", "population", &S::population, kSearchVerb | kCompareVerb, "Members", 2, 100000},
      {"search", "rounds", &S::rounds, kSearchVerb | kCompareVerb,
       "Rounds (0: epochs / epochs-per-round)", 0, 1e6},
      {"search", "epochs_per_round", &S::epochs_per_round, kSearchVerb | kCompareVerb,
       "Epochs between two decisions", 1, 1e6},
      {"search",
       "selection",
       &S::selection,
       kSearchVerb,
       "Who copies whom",
       0,
       0,
       {"truncation", "significant", "none"}},
      {"search", "fraction", &S::fraction, kSearchVerb, "Share of members replaced, and of donors",
       0.001, 0.5},
      {"search", "significance", &S::significance, kSearchVerb,
       "Level of the paired test of 'significant'", 1e-6, 0.5},
      {"search", "reset_probability", &S::reset_probability, kSearchVerb,
       "Chance that explore redraws a number", 0, 1},
      {"search", "amounts", &S::amounts, kSearchVerb,
       "How far explore may move a number, drawn evenly, such as 0,1,2,3"},
      {"search", "genes", &S::genes, kSearchVerb,
       "Numbers searched beside the policy, such as lr=0.01..0.4,flip=0..1"},
      {"search", "ops", &S::ops, kSearchVerb, "Ops of the space to search, such as Rotate,ShearX"},
      {"search", "limits", &S::limits, kSearchVerb,
       "Narrower ranges of ops, such as Rotate:p=0..0.5:level=0..6"},
      {"search", "copies", &S::copies, kSearchVerb, "Entries of each op in a policy", 1, 16},
      {"search",
       "metric",
       &S::metric,
       kSearchVerb | kCompareVerb,
       "What validation measures",
       0,
       0,
       {"accuracy", "balanced-accuracy", "loss"}},
      {"search", "start", &S::start, kSearchVerb,
       "Policies at the start: zero, random, or the last policy of a schedule (file or name)"},
      {"search", "async", &S::async, kSearchVerb,
       "Decide against the latest scores without waiting (not repeatable)"},
      {"search",
       "trainer",
       &S::trainer,
       kSearchVerb,
       "What trains a member",
       0,
       0,
       {"network", "toy", "none"}},
      {"search", "worker_cmd", &S::worker_cmd, kSearchVerb,
       "Command of a worker process; started --workers times"},

      {"audit", "levels", &S::audit_levels, kAuditVerb, "Levels tested of each op", 1, 100},
      {"audit", "seeds", &S::audit_seeds, kAuditVerb, "Trainings of each cell (at least 2)", 2,
       100},
      {"audit", "probability", &S::audit_probability, kAuditVerb,
       "Probability that a training image gets the op", 0.01, 1},

      {"choose", "budget_images", &S::budget_images, kChooseVerb,
       "Images to train in all, race and final training (what --budget becomes)", 0, 1e15},
      {"choose", "share", &S::share, kChooseVerb | kCompareVerb,
       "Largest share of the budget for the race", 0.05, 0.95},

      {"run", "seed", &S::seed, kAll, "Seed of every draw", 0, 9.2e18},
      {"run", "workers", &S::workers, kAll, "Workers (0: one per core, or one per GPU of --device)",
       0, 4096},
      {"run", "device", &S::device, kAll, "cpu, cuda, cuda:N or auto"},
  };
  return rows;
}

}  // namespace popaug::cli
