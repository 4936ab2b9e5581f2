// popaug data split: which images train and which validate, in a file.
#include <charconv>
#include <cmath>
#include <memory>
#include <set>

#include "cli/data.h"
#include "cli/output.h"
#include "cli/settings_flags.h"

namespace popaug::cli {
namespace {

struct Flags : ReadFlags {
  std::string train_size, val_size, preset, out;
  uint64_t seed = 0;
  size_t folds = 0;
  bool drop_duplicates = false, group_duplicates = false, json = false;
};

// "4000" images, or "0.2" or "20%" of `all`.
size_t size_of(const std::string& flag, const std::string& text, size_t all) {
  if (text.empty()) return 0;
  const bool percent = text.ends_with('%');
  const std::string digits = percent ? text.substr(0, text.size() - 1) : text;
  double value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = value == std::floor(value);
  const bool share = percent || digits.find('.') != digits.npos;
  const double limit = percent ? 100 : share ? 1 : 1e12;
  if (code != std::errc() || end != digits.data() + digits.size() || !(value > 0) ||
      value > limit || (!share && !whole)) {
    throw UsageError(flag + " " + quote(text) +
                     " is not understood; expected a count such as 4000, or a share such as 0.2 or "
                     "20%");
  }
  if (!share) return static_cast<size_t>(value);
  const double images = static_cast<double>(all) * (percent ? value / 100 : value);
  return std::max<size_t>(1, static_cast<size_t>(std::llround(images)));
}

// The paper's reduced sets (docs/pba.md#search).
void apply_preset(Flags& flags) {
  if (flags.preset.empty()) return;
  const std::vector<std::string> known = {"paper-rcifar10", "paper-rsvhn"};
  if (flags.preset != known[0] && flags.preset != known[1]) {
    throw UsageError(unknown_name("preset", flags.preset, known));
  }
  const bool cifar = flags.preset == known[0];
  if (flags.train_size.empty()) flags.train_size = cifar ? "4000" : "1000";
  if (flags.val_size.empty()) flags.val_size = cifar ? "46000" : "7325";
}

std::vector<std::pair<fs::path, TrainValSplit>> fold_files(const Dataset& data, const Flags& flags,
                                                           const std::vector<uint32_t>& dropped) {
  const ImageSet* train = data.find("train");
  if (train == nullptr) throw UsageError(data.path + ": has no split \"train\" to fold");
  const auto folds = stratified_folds(*train, flags.folds, flags.seed);
  const std::set<uint32_t> gone(dropped.begin(), dropped.end());
  const fs::path out = flags.out;
  const std::string suffix = ".split.json";
  std::string stem = out.filename().string();
  if (stem.ends_with(suffix)) stem.resize(stem.size() - suffix.size());
  std::vector<std::pair<fs::path, TrainValSplit>> files;
  for (size_t k = 0; k < folds.size(); ++k) {
    TrainValSplit division;
    for (size_t f = 0; f < folds.size(); ++f) {
      auto& side = f == k ? division.validation : division.train;
      for (const uint32_t i : folds[f]) {
        if (!gone.contains(i)) side.push_back(i);
      }
    }
    std::sort(division.train.begin(), division.train.end());
    division.how = {{"seed", flags.seed},
                    {"fold", k + 1},
                    {"folds", folds.size()},
                    {"dropped", dropped.size()}};
    const std::string name = stem + "-" + std::to_string(k + 1) + suffix;
    files.emplace_back(out.parent_path() / name, std::move(division));
  }
  return files;
}

int run(Flags flags) {
  apply_preset(flags);
  VerbProgress progress("reading");
  Dataset data = read_dataset(flags.data, flags.options(), progress);
  progress.finish();
  size_t clusters = 0;
  if (flags.group_duplicates) {
    for (ImageSet& split : data.splits) {
      if (split.name == "train") split = group_duplicates(split, &clusters, flags.workers);
    }
  }
  std::vector<uint32_t> dropped;
  if (flags.drop_duplicates) dropped = poisoned_images(data);
  std::vector<std::pair<fs::path, TrainValSplit>> files;
  if (flags.folds != 0 || flags.json) refuse_standard_output("-o", flags.out);
  if (flags.folds != 0) {
    if (!flags.train_size.empty() || !flags.val_size.empty()) {
      throw UsageError("--folds uses every image; leave out --train-size and --val-size");
    }
    files = fold_files(data, flags, dropped);
  } else {
    const ImageSet* train = data.find("train");
    const ImageSet* validation = data.find("val");
    const size_t all = train == nullptr ? 0 : train->count() - dropped.size();
    const size_t train_size = size_of("--train-size", flags.train_size, all);
    const size_t val_size =
        size_of("--val-size", flags.val_size, validation == nullptr ? all : validation->count());
    files.emplace_back(flags.out, divide(data, train_size, val_size, flags.seed, dropped));
  }
  Json rows = Json::array();
  for (auto& [path, division] : files) {
    if (flags.group_duplicates) division.how["group_duplicates"] = clusters;
    write_output(path.native(), split_text(division, data));
    if (flags.json) {
      rows.push_back({{"file", show_path(path)},
                      {"train", division.train.size()},
                      {"validation", division.validation.size()},
                      {"dropped", dropped.size()},
                      {"group_duplicates", clusters}});
    } else if (!is_standard_output(path.native())) {
      print("{}: {} images train, {} validate (of split {}), {} left out as duplicates\n",
            show_path(path), division.train.size(), division.validation.size(),
            division.validation_from, dropped.size());
    }
  }
  if (flags.group_duplicates && !flags.json && !is_standard_output(flags.out)) {
    print("{} groups of nearly equal images were kept on one side\n", clusters);
  }
  if (flags.json) print_json(rows);
  return 0;
}

}  // namespace

void add_data_split(CLI::App& data, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = data.add_subcommand("split", "Draw training and validation images, stratified");
  add_read_flags(*verb, *flags);
  verb->add_option("--train-size", flags->train_size, "Images that train: 4000, 0.8 or 80%");
  verb->add_option("--val-size", flags->val_size, "Images that validate: 1000, 0.2 or 20%");
  verb->add_option("--preset", flags->preset, "The reduced set of paper-rcifar10 or paper-rsvhn");
  verb->add_option("--folds", flags->folds, "Write a file for each fold of a cross-validation")
      ->check(CLI::Range(2, 1000));
  verb->add_option("--seed", flags->seed, "Draws other images")->capture_default_str();
  verb->add_flag("--drop-duplicates", flags->drop_duplicates,
                 "Leave out training images that repeat, leak or have two labels");
  verb->add_flag("--group-duplicates", flags->group_duplicates,
                 "Keep training images that are nearly equal on one side");
  verb->add_option("-o", flags->out, "The split file to write")->required();
  verb->add_flag("--json", flags->json, "Print JSON");
  examples(*verb, {{"popaug data split --data photos --val-size 20% -o photos.split.json",
                    "a fifth of each class validates"},
                   {"popaug data split --data cifar --preset paper-rcifar10 -o reduced.split.json",
                    "4,000 images train and 46,000 validate"},
                   {"popaug data split --data photos --folds 5 -o cv.split.json",
                    "cv-1.split.json to cv-5.split.json"},
                   {"popaug search --data photos --split photos.split.json --out run",
                    "where a split file is used"}});
  verb->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace popaug::cli
