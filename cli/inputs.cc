#include "cli/inputs.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace popaug::cli {
namespace {

const Split& labelled_split(const Dataset& data) {
  if (const Split* train = data.find("train")) return *train;
  if (data.splits.size() == 1) return data.splits.front();
  throw Error(data.path + ": no training images found; expected a split called train");
}

// A class must stand on both sides of a split; the message names it, as the user knows it.
void check_classes(const Dataset& data, const Split& train) {
  std::vector<size_t> counts(data.classes.size());
  for (const uint32_t label : train.labels) ++counts[label];
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] >= 2) continue;
    throw Error(data.path + ": the class " + quote(data.classes[c]) + " has " +
                (counts[c] == 0 ? "no training image" : "one training image") +
                "; at least 2 are needed, one to train on and one to validate on. Add images or "
                "remove the class");
  }
}

}  // namespace

std::pair<int, int> parse_size(const std::string& text) {
  if (text.empty()) return {0, 0};
  const size_t cross = text.find('x');
  const auto number = [&](const std::string& digits) {
    int value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (code != std::errc() || end != digits.data() + digits.size() || value < 1 || value > 16384) {
      throw UsageError("--size: expected N or WIDTHxHEIGHT with sides 1 .. 16384, found " +
                       quote(text));
    }
    return value;
  };
  const int width = number(text.substr(0, cross));
  return {width, cross == text.npos ? width : number(text.substr(cross + 1))};
}

std::vector<uint32_t> all_of(const Split& split) {
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

Inputs read_inputs(const Settings& settings, bool needs_validation, Progress& progress) {
  if (settings.data.empty()) {
    throw UsageError(
        "--data is missing: name a folder with train/CLASS/*.jpg, or any other set "
        "that 'popaug data info' reads");
  }
  ReadOptions options;
  std::tie(options.width, options.height) = parse_size(settings.size);
  check_scaled_decoding(settings.scaled_decoding, settings.size);
  options.scaled_decoding = settings.scaled_decoding;
  options.threads = static_cast<int>(settings.workers);

  Inputs inputs;
  inputs.data = read_dataset(settings.data, options, progress);
  inputs.notes = inputs.data.notes;
  inputs.fingerprint = fingerprint(inputs.data);
  inputs.train_split = &labelled_split(inputs.data);
  inputs.validation_split = inputs.train_split;
  inputs.test_split = inputs.data.find("test");

  const Split& train = *inputs.train_split;
  const auto train_size = static_cast<size_t>(settings.train_size);
  auto val_size = static_cast<size_t>(settings.val_size);
  const auto seed = static_cast<uint64_t>(settings.seed);
  if (!settings.split.empty() || needs_validation || val_size > 0) {
    const bool own_validation = inputs.data.find("val") != nullptr;
    if (val_size == 0 && settings.split.empty() && !own_validation) {
      // What keeps the selection's error small: docs/decisions/validation-size.md.
      val_size = std::min<size_t>(2000, train.count() / 5);
      inputs.notes.push_back("no --val-size was given: " + std::to_string(val_size) +
                             " images of the training split validate");
    }
    if (settings.split.empty() && !own_validation) check_classes(inputs.data, train);
    inputs.division = settings.split.empty() ? divide(inputs.data, train_size, val_size, seed)
                                             : read_division(settings.split, inputs.data);
    inputs.train_split = inputs.data.find(inputs.division.train_from);
    inputs.validation_split = inputs.data.find(inputs.division.validation_from);
    inputs.train = inputs.division.plan.train;
    inputs.validation = inputs.division.plan.validation;
  } else {
    inputs.train =
        train_size == 0 ? all_of(train) : stratified_split(train, train_size, 0, seed).train;
  }
  if (settings.all_labels && inputs.validation_split == inputs.train_split) {
    inputs.train = all_labelled(inputs);
    inputs.validation.clear();
  }
  if (inputs.train.empty()) throw UsageError(settings.data + ": no training images are left");
  if (needs_validation && inputs.validation.empty()) {
    throw UsageError(settings.data + ": no validation images: give --val-size");
  }
  return inputs;
}

}  // namespace popaug::cli
