#include "popaug/experiment/images.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "popaug/experiment/search_grammar.h"
#include "popaug/experiment/training_library.h"
#include "popaug/schedule/schedule.h"

namespace popaug {
namespace {

const ImageSet& labelled_split(const Dataset& data) {
  if (const ImageSet* train = data.find("train")) return *train;
  const bool one = data.splits.size() == 1;
  if (one && data.splits[0].name != "test" && data.splits[0].name != "val") return data.splits[0];
  std::vector<std::string> names;
  for (const ImageSet& split : data.splits) names.push_back(split.name);
  throw Error(data.path + ": there are no training images, only the split " + join(names, ", ") +
              "; expected train/CLASS/*.jpg, or another set whose images train");
}

// A class must stand on both sides of a split; the message names it, as the user knows it.
void check_classes(const Dataset& data, const ImageSet& train) {
  std::vector<size_t> counts(data.classes.size());
  for (const uint32_t label : train.labels) ++counts[label];
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] != 1) continue;  // a class without any is said by the reader
    throw Error(data.path + ": the class " + quote(data.classes[c]) +
                " has one training image; at least 2 are needed, one to train on and one to "
                "validate on. Add images or "
                "remove the class");
  }
}

// Whether `train_size` (0: the rest) and `val_size` (0: the default) images can be drawn.
bool sizes_fit(size_t train_size, size_t val_size, size_t images, size_t classes) {
  if (train_size > images || val_size > images - train_size) return false;
  const size_t rest = train_size == 0 ? images - val_size : train_size;
  return rest >= classes && (val_size == 0 || val_size >= classes);
}

// A preset's numbers of images are kept where the set has them. Where it has not, those that the
// user did not give himself are forgotten, so that the defaults divide the set.
void fit_preset_sizes(ExperimentSettings& settings, const Dataset& data, const ImageSet& train,
                      std::vector<std::string>& notes) {
  ImageSettings& sizes = settings.images;
  const auto images = [](int64_t size) { return static_cast<size_t>(size); };
  const bool train_is_free = !settings.given.contains("train_size") && sizes.train_size > 0;
  const bool val_is_free = !settings.given.contains("val_size") && sizes.val_size > 0;
  if (!train_is_free && !val_is_free) return;
  const ImageSet* own_validation = data.find("val");
  const bool fit = own_validation == nullptr
                       ? sizes_fit(images(sizes.train_size), images(sizes.val_size), train.count(),
                                   data.classes.size())
                       : images(sizes.train_size) <= train.count() &&
                             images(sizes.val_size) <= own_validation->count();
  if (fit) return;
  std::vector<std::string> asked;
  if (train_is_free) asked.push_back(std::to_string(sizes.train_size) + " training images");
  if (val_is_free) asked.push_back(std::to_string(sizes.val_size) + " validation images");
  notes.push_back("the preset asks for " + join(asked, " and ") + "; " + data.path + " has " +
                  std::to_string(train.count()) + " labelled images, so the defaults divide them");
  if (train_is_free) sizes.train_size = 0;
  if (val_is_free) sizes.val_size = 0;
}

// The batch for so many labelled images: `usual`, or the largest power of two with which an epoch
// has 16 steps (docs/decisions/settings.md#batches-of-small-sets). It is not below 16, unless that
// leaves fewer than four steps.
int64_t fitting_batch(int64_t usual, uint64_t labelled) {
  const auto with_steps = [&](uint64_t count) {
    return static_cast<int64_t>(std::bit_floor(labelled / count));
  };
  constexpr int64_t kLeast = 16;
  return std::min(usual, std::max({with_steps(16), std::min(kLeast, with_steps(4)), int64_t{2}}));
}

// A batch that the user did not ask for shrinks until an epoch of a small set has a few steps. All
// labelled images count, so that every verb takes the same batch for a set. A published batch, or
// one for pretrained weights or for parts of batches, shrinks only where fewer images train. Says
// when an epoch leaves out many images.
void fit_batch(ExperimentSettings& settings, Inputs& inputs) {
  TrainSettings& train = settings.train;
  const auto images = static_cast<int64_t>(inputs.train.size());
  const size_t labelled = all_labelled(inputs).size();
  const int64_t batch = std::min(fitting_batch(train.batch, labelled), images);
  const bool in_parts = train.accumulate > 1 || train.shards > 1;
  const bool fixed =
      settings.given.contains("batch") ||
      ((settings.published || !train.init.empty() || in_parts) && train.batch <= images);
  if (batch < train.batch && !fixed) {
    inputs.notes.push_back("the batch is " + std::to_string(batch) + " images instead of " +
                           std::to_string(train.batch) + ", because " + std::to_string(labelled) +
                           " labelled images are used; " + name_setting("batch") +
                           " sets another number");
    train.batch = static_cast<int>(batch);
  }
  const int64_t trained = images / train.batch * train.batch;
  constexpr int64_t kFew = 10;  // a tenth
  if (trained > 0 && kFew * (images - trained) > images) {
    inputs.notes.push_back("an epoch trains " + std::to_string(trained) + " of the " +
                           std::to_string(images) + " images, in whole batches of " +
                           std::to_string(train.batch) +
                           "; each epoch draws different images; a smaller " +
                           name_setting("batch") + " leaves out fewer");
  }
}

// Setting "sampling" balanced and setting "class_weights" need several classes to balance. Says
// which classes have no images to train on.
void check_balance(const ExperimentSettings& settings, Inputs& inputs) {
  const bool balanced = settings.train.sampling == "balanced";
  if (!balanced && !settings.train.class_weights) return;
  const std::string setting =
      balanced ? name_setting("sampling") + " balanced" : name_setting("class_weights");
  std::vector<size_t> counts(inputs.data.classes.size());
  for (const uint32_t i : inputs.train) ++counts[inputs.train_split->labels[i]];
  std::vector<std::string> present, absent;
  for (size_t c = 0; c < counts.size(); ++c) {
    (counts[c] > 0 ? present : absent).push_back(quote(inputs.data.classes[c]));
  }
  if (present.size() < 2) {
    throw UsageError(setting + ": the training images are all of the class " + join(present, "") +
                     "; there is nothing to balance");
  }
  if (!absent.empty()) {
    inputs.notes.push_back(setting + ": there are no training images of " + join(absent, ", ") +
                           "; the other classes are balanced");
  }
}

// Draws who trains and who validates, or reads it from the split file.
void divide_inputs(const ExperimentSettings& settings, Inputs& inputs) {
  const auto train_size = static_cast<size_t>(settings.images.train_size);
  const auto val_size = static_cast<size_t>(settings.images.val_size);
  const bool own_validation = inputs.data.find("val") != nullptr;
  if (!settings.images.split.empty()) {
    inputs.division = read_split(settings.images.split, inputs.data);
  } else {
    if (!own_validation) check_classes(inputs.data, *inputs.train_split);
    inputs.division = divide(inputs.data, train_size, val_size, settings.seed);
  }
  const size_t labelled = inputs.train_split->count();
  inputs.train_split = inputs.data.find(inputs.division.train_from);
  inputs.validation_split = inputs.data.find(inputs.division.validation_from);
  inputs.train = inputs.division.train;
  inputs.validation = inputs.division.validation;
  if (val_size == 0 && settings.images.split.empty() && !own_validation) {
    inputs.division_note = std::to_string(inputs.validation.size()) + " of the " +
                           std::to_string(labelled) +
                           " labelled images validate, the same share of every class; " +
                           name_setting("val_size") + " sets another number";
    inputs.notes.push_back(inputs.division_note);
  }
}

}  // namespace

std::vector<uint32_t> all_of(const ImageSet& split) {
  std::vector<uint32_t> indices(split.count());
  std::iota(indices.begin(), indices.end(), 0u);
  return indices;
}

std::vector<uint32_t> all_labelled(const Inputs& inputs) {
  std::vector<uint32_t> all = inputs.train;
  if (inputs.validation_split == inputs.train_split) {
    all.insert(all.end(), inputs.validation.begin(), inputs.validation.end());
    std::sort(all.begin(), all.end());
  }
  return all;
}

namespace {

// The least area of the random resized crops that the settings can lead to; 0: none.
double least_resized_crop(const ExperimentSettings& settings) {
  std::vector<double> areas = {settings.train.resized_crop};
  if (settings.augment.empty() && !settings.schedule.empty()) {  // a baseline replaces a schedule
    areas.push_back(find_schedule(settings.schedule).least_resized_crop());
  }
  for (const Gene& gene : parse_genes(settings.searched.genes, false)) {
    if (gene.name == "resized_crop") areas.push_back(gene.low > 0 ? gene.low : gene.high);
  }
  std::erase(areas, 0.0);
  return areas.empty() ? 0 : *std::min_element(areas.begin(), areas.end());
}

// How many times as large the images are held that random resized crops are cut from: so that the
// smallest part, `least_area` of a square, is not enlarged; at most twice.
double detail_for_crops(double least_area) {
  constexpr double kMost = 2;
  return least_area > 0 ? std::min(kMost, 1 / std::sqrt(least_area)) : 1;
}

// What is said of a training that starts from weights, before anything is trained.
void add_init_notes(const ExperimentSettings& settings, Inputs& inputs) {
  const TrainSettings& train = settings.train;
  if (train.init.empty() || !trains_here(settings)) return;
  for (std::string& note : training().init_notes(train, inputs.data.classes, *inputs.train_split)) {
    inputs.notes.push_back(std::move(note));
  }
  if (settings.epochs > 0 && train.head_epochs >= settings.epochs) {
    inputs.notes.push_back("all " + std::to_string(settings.epochs) +
                           " epochs train the classifier alone, as " + name_setting("head_epochs") +
                           " is " + std::to_string(train.head_epochs) + ": give more " +
                           name_setting("epochs") + ", or fewer " + name_setting("head_epochs"));
  }
}

}  // namespace

Inputs read_inputs(ExperimentSettings& settings, bool needs_validation, Progress& progress) {
  if (settings.images.data.empty()) {
    throw UsageError(
        name_setting("data") +
        " is missing: name a folder with train/CLASS/*.jpg, or any other set that 'popaug data "
        "info' reads");
  }
  ReadOptions options;
  if (!settings.images.size.empty()) {
    const Size size = parse_size(settings.images.size);
    options.width = size.width;
    options.height = size.height;
  }
  check_scaled_decoding(settings.images.scaled_decoding, settings.images.size);
  options.scaled_decoding = settings.images.scaled_decoding;
  check_fit(settings.images.fit, settings.images.size);
  options.fit = parse_fit(settings.images.fit);
  options.keep_going = settings.images.keep_going;
  parse_range(settings.images.range, options);
  options.rules.background = parse_background(settings.images.background);
  options.image_column = settings.images.image_column;
  options.label_column = settings.images.label_column;
  options.allow_outside = settings.images.allow_outside;
  options.threads = static_cast<int>(settings.workers);
  options.detail = detail_for_crops(least_resized_crop(settings));

  Inputs inputs;
  inputs.data = read_dataset(settings.images.data, options, progress);
  inputs.notes = inputs.data.notes;
  inputs.fingerprint = fingerprint(inputs.data);
  inputs.train_split = &labelled_split(inputs.data);
  check_trainable(inputs.data);
  inputs.validation_split = inputs.train_split;
  inputs.test_split = inputs.data.find("test");

  const ImageSet& train = *inputs.train_split;
  if (settings.images.split.empty()) fit_preset_sizes(settings, inputs.data, train, inputs.notes);
  if (!settings.images.split.empty() || needs_validation || settings.images.val_size > 0) {
    divide_inputs(settings, inputs);
  } else if (settings.images.train_size == 0) {
    inputs.train = all_of(train);
  } else {
    inputs.train =
        stratified_split(train, static_cast<size_t>(settings.images.train_size), 0, settings.seed)
            .train;
  }
  if (settings.images.all_labels && inputs.validation_split == inputs.train_split) {
    inputs.train = all_labelled(inputs);
    inputs.validation.clear();
  }
  if (inputs.train.empty())
    throw UsageError(settings.images.data + ": no training images are left");
  if (needs_validation && inputs.validation.empty()) {
    throw UsageError(settings.images.data + ": no validation images: give " +
                     name_setting("val_size"));
  }
  fit_batch(settings, inputs);
  add_init_notes(settings, inputs);
  check_balance(settings, inputs);
  return inputs;
}

void record_left_out(RunDirectory& directory, const Inputs& inputs) {
  if (inputs.data.left_out.empty()) return;
  directory.write_derived("left-out.txt", join(inputs.data.left_out, "\n") + "\n");
}

void record_split(RunDirectory& directory, const Inputs& inputs) {
  directory.write_derived("split.json", split_text(inputs.division, inputs.data));
}

void make_data_absolute(ExperimentSettings& settings) {
  std::string& data = settings.images.data;
  if (!data.empty()) data = fs::absolute(data).lexically_normal();
}

std::string split_record(const ExperimentSettings& settings) {
  const std::string& file = settings.images.split;
  return file.empty() ? "" : hash_hex(read_file(file));
}

Json trainer_record(const ExperimentSettings& settings, const Inputs& inputs) {
  Json record = trainer_json(settings);
  record["train_images"] = inputs.train.size();
  record["validation_images"] = inputs.validation.size();
  record["split"] = split_record(settings);
  return record;
}

int64_t images_of_epoch(size_t images, const ExperimentSettings& settings) {
  const auto count = static_cast<int64_t>(images);
  const auto batch = static_cast<int64_t>(settings.train.batch);
  return std::max(batch, count / batch * batch);
}

}  // namespace popaug
