// The table of all settings, put together from the rows of the rooms and those below.
#include <algorithm>
#include <iterator>

#include "popaug/experiment/settings.h"
#include "popaug/search/setting_rows.h"
#include "popaug/train/setting_rows.h"

namespace popaug {
namespace {

using E = ExperimentSettings;
constexpr double kMaxCount = 1e9;
constexpr unsigned kScreeningVerbs = kChooseVerb | kCompareVerb | kSearchVerb;

// The experiment's own settings. Those of a training are in popaug/train/setting_rows.h, those of
// a search in popaug/search/setting_rows.h.
constexpr SettingRow<E> kOwn[] = {
    {setting_at<&E::images, &ImageSettings::data>,
     {"data", "data", "Images: a folder, manifest, IDX, CIFAR, SVHN, npz or packed file"}},
    {setting_at<&E::images, &ImageSettings::size>,
     {"data", "size", "Resize every image to N or WxH pixels"}},
    {setting_at<&E::images, &ImageSettings::fit>,
     {"data", "fit", kFitHelp, 0, 0, {"stretch", "crop", "pad"}}},
    {setting_at<&E::images, &ImageSettings::scaled_decoding>,
     {"data", "scaled_decoding", kScaledDecodingHelp}},
    {setting_at<&E::images, &ImageSettings::range>,
     {"data", "range", "Which 16-bit samples become 0 and 255: full (0..65535), auto, or LO..HI"}},
    {setting_at<&E::images, &ImageSettings::background>,
     {"data", "background",
      "What transparent pixels are laid over: black, white, grey or #rrggbb"}},
    {setting_at<&E::images, &ImageSettings::image_column>,
     {"data", "image_column",
      "Column of a manifest that names the image files, by name or number (default: usual names)"}},
    {setting_at<&E::images, &ImageSettings::label_column>,
     {"data", "label_column", "Column of a manifest that contains the labels"}},
    {setting_at<&E::images, &ImageSettings::allow_outside>,
     {"data", "allow_outside", "A manifest may name files outside its folder"}},
    {setting_at<&E::images, &ImageSettings::keep_going>,
     {"data", "keep_going", "Leave out images that cannot be read, and name them"}},
    {setting_at<&E::images, &ImageSettings::split>,
     {"data", "split", "A split file made by 'popaug data split'"}},
    {setting_at<&E::images, &ImageSettings::train_size>,
     {"data", "train_size", "Training images (0: all that are left)", 0, kMaxCount}},
    {setting_at<&E::images, &ImageSettings::val_size>,
     {"data", "val_size",
      "Validation images taken from the training split (0: a quarter, at least 50, at most 2,000)",
      0, kMaxCount}},
    {setting_at<&E::images, &ImageSettings::all_labels>,
     {"data",
      "all_labels",
      "Train on the validation images of setting \"split\" too: all that a search saw labels of",
      0,
      0,
      {},
      kTrainVerb | kCompareVerb}},
    {setting_at<&E::epochs>,
     {"training", "epochs", "Epochs in total (0: as setting \"rounds\" or the schedule says)", 0,
      1e6}},
    {setting_at<&E::augment>,
     {"augment",
      "augment",
      "A baseline instead of a schedule (none, flipcrop, trivial, randaugment-2-9, ...)",
      0,
      0,
      {},
      kTrainVerb}},
    {setting_at<&E::schedule>,
     {"augment",
      "schedule",
      "A schedule file or a shipped name",
      0,
      0,
      {},
      kTrainVerb | kCompareVerb | kChooseVerb}},
    {setting_at<&E::searched, &SearchTexts::space>,
     {"augment",
      "space",
      "Space of ops: a name or a TOML file",
      0,
      0,
      {},
      kSearchVerb | kCompareVerb | kAuditVerb}},
    {setting_at<&E::plugin>, {"augment", "plugin", "A shared object with ops of your own"}},
    {setting_at<&E::method>,
     {"search",
      "method",
      "How to search: pba (a population whose policies change while it trains) or screen (simple "
      "recipes, each trained to its end; docs/choose.md)",
      0,
      0,
      {"pba", "screen"},
      kSearchVerb}},
    {setting_at<&E::rounds>,
     {"search", "rounds", "Rounds (0: epochs / epochs-per-round)", 0, 1e6, {}, kSearchAndCompare}},
    {setting_at<&E::searched, &SearchTexts::amounts>,
     {"search",
      "amounts",
      "How far explore may move a number, drawn evenly, such as 0,1,2,3",
      0,
      0,
      {},
      kSearchVerb}},
    {setting_at<&E::searched, &SearchTexts::genes>,
     {"search",
      "genes",
      "Numbers searched beside the policy, such as lr=0.01..0.4,flip=0..1",
      0,
      0,
      {},
      kSearchVerb}},
    {setting_at<&E::searched, &SearchTexts::ops>,
     {"search", "ops", "Ops of the space to search, such as Rotate,ShearX", 0, 0, {}, kSearchVerb}},
    {setting_at<&E::searched, &SearchTexts::limits>,
     {"search",
      "limits",
      "Narrower ranges of ops, such as Rotate:p=0..0.5:level=0..6",
      0,
      0,
      {},
      kSearchVerb}},
    {setting_at<&E::searched, &SearchTexts::start>,
     {"search",
      "start",
      "Policies at the start: zero, random, or the last policy of a schedule (file or name)",
      0,
      0,
      {},
      kSearchVerb}},
    {setting_at<&E::trainer>,
     {"search", "trainer", "What trains a member", 0, 0, {"network", "toy", "none"}, kSearchVerb}},
    {setting_at<&E::worker_cmd>,
     {"search",
      "worker_cmd",
      "Command of a worker process; started as often as setting \"workers\" says",
      0,
      0,
      {},
      kSearchVerb}},
    {setting_at<&E::audit_levels>,
     {"audit", "levels", "Levels tested of each op", 1, 100, {}, kAuditVerb}},
    {setting_at<&E::audit_seeds>,
     {"audit", "seeds", "Trainings of each cell (at least 2)", 2, 100, {}, kAuditVerb}},
    {setting_at<&E::audit_probability>,
     {"audit",
      "probability",
      "Probability that a training image gets the op",
      0.01,
      1,
      {},
      kAuditVerb}},
    {setting_at<&E::audited_recipes>,
     {"audit",
      "recipe",
      "Whole recipes to measure in place of ops: free arms of a comparison, such as "
      "trivial,mild-0.5",
      0,
      0,
      {},
      kAuditVerb}},
    {setting_at<&E::budget_images>,
     {"choose",
      "budget_images",
      "Images to train in all, screening and final training (what setting \"budget\" becomes)",
      0,
      1e15,
      {},
      kChooseVerb}},
    {setting_at<&E::trainings>,
     {"choose",
      "trainings",
      "Trainings of the screening (0: up to 12, or 16 of a search, as the budget allows)",
      0,
      10000,
      {},
      kScreeningVerbs}},
    {setting_at<&E::folds>,
     {"choose",
      "folds",
      "Parts of the labelled images; each judges trainings on the others",
      2,
      100,
      {},
      kScreeningVerbs}},
    {setting_at<&E::screened_arms>,
     {"choose",
      "arms",
      "Arms of the screening, such as flipcrop,trivial,mild+cutmix, or free (empty: a grid of "
      "strengths and symmetries)",
      0,
      0,
      {},
      kChooseVerb | kSearchVerb}},
    {setting_at<&E::seed>, {"run", "seed", "Seed of every draw", 0, 9.2e18}},
    {setting_at<&E::workers>,
     {"run", "workers", "Workers (0: one per core, or one per GPU of setting \"device\")", 0,
      4096}},
};

// The order of the tables in config.toml, and of the keys in tables that several rooms fill. A key
// that is not named comes after those that are.
constexpr const char* kTables[] = {"data",  "training", "augment", "search",
                                   "audit", "choose",   "run"};
constexpr const char* kKeys[] = {"network",
                                 "model",
                                 "init",
                                 "epochs",
                                 "batch",
                                 "augment",
                                 "schedule",
                                 "space",
                                 "flip",
                                 "vflip",
                                 "turn",
                                 "erase",
                                 "erase_least",
                                 "erase_most",
                                 "erase_ratio",
                                 "erase_fill",
                                 "cutmix",
                                 "cutmix_alpha",
                                 "mixup",
                                 "mixup_alpha",
                                 "pad",
                                 "cutout",
                                 "resized_crop",
                                 "paper_pixels",
                                 "plugin",
                                 "method",
                                 "population",
                                 "rounds",
                                 "epochs_per_round",
                                 "selection",
                                 "fraction",
                                 "significance",
                                 "reset_probability",
                                 "amounts",
                                 "genes",
                                 "ops",
                                 "limits",
                                 "copies",
                                 "metric",
                                 "start",
                                 "async",
                                 "trainer",
                                 "worker_cmd",
                                 "seed",
                                 "workers",
                                 "device"};

int place_of(const auto& list, const std::string& word) {
  return static_cast<int>(std::find(std::begin(list), std::end(list), word) - std::begin(list));
}

// The rows of a room, whose struct is the member `part` of the experiment's settings.
template <typename S>
void add_rows(std::vector<ExperimentRow>& all, const auto& rows, S E::*part) {
  for (const SettingRow<S>& row : rows) {
    all.push_back({row.setting, row.at.kind,
                   [row, part](const E& settings) { return row.get(settings.*part); },
                   [row, part](E& settings, const Json& value) { row.put(settings.*part, value); },
                   row.searched});
  }
}

std::vector<ExperimentRow> all_rows() {
  std::vector<ExperimentRow> all;
  for (const SettingRow<E>& row : kOwn) {
    all.push_back({row.setting, row.at.kind, [row](const E& settings) { return row.get(settings); },
                   [row](E& settings, const Json& value) { row.put(settings, value); }});
  }
  add_rows(all, kTrainSettings, &E::train);
  add_rows(all, kSearchSettings, &E::search);
  std::stable_sort(all.begin(), all.end(), [](const ExperimentRow& a, const ExperimentRow& b) {
    return std::pair(place_of(kTables, a.setting.table), place_of(kKeys, a.setting.key)) <
           std::pair(place_of(kTables, b.setting.table), place_of(kKeys, b.setting.key));
  });
  return all;
}

}  // namespace

std::string ExperimentRow::name() const { return std::string(setting.table) + "." + setting.key; }

const std::vector<ExperimentRow>& experiment_rows() {
  static const std::vector<ExperimentRow> rows = all_rows();
  return rows;
}

}  // namespace popaug
