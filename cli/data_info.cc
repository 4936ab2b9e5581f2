// popaug data info: what a set holds.
#include <memory>
#include <numeric>

#include "cli/data.h"
#include "cli/output.h"
#include "cli/settings_flags.h"

namespace popaug::cli {
namespace {

struct Flags : ReadFlags {
  bool json = false;
  std::string sheet;
  int per_class = 6;
};

std::vector<size_t> class_counts(const Dataset& data, const ImageSet& split) {
  std::vector<size_t> counts(data.classes.size());
  for (const uint32_t label : split.labels) ++counts[label];
  return counts;
}

// Mean and standard deviation of what trains: "train", or the first split that has images.
ChannelStatistics statistics_of(const Dataset& data) {
  const ImageSet* split = data.find("train");
  if (split == nullptr || split->count() == 0) {
    for (const ImageSet& one : data.splits) {
      if (one.count() > 0) split = &one;
    }
  }
  POPAUG_ASSERT(split != nullptr);
  std::vector<uint32_t> all(split->count());
  std::iota(all.begin(), all.end(), 0u);
  return channel_statistics(*split, all);
}

// The classes with most and with fewest images, of those that have any, in the split that trains.
struct Balance {
  size_t largest = 0, smallest = 0;  // classes
  size_t most = 0, fewest = 0;       // their images
  double ratio() const { return double(most) / double(std::max<size_t>(1, fewest)); }
};

Balance balance_of(const Dataset& data) {
  const std::vector<size_t> counts = class_counts(data, *data.train_or_first());
  Balance balance;
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0) continue;
    if (counts[c] > balance.most) {
      balance.most = counts[c];
      balance.largest = c;
    }
    if (balance.fewest == 0 || counts[c] < balance.fewest) {
      balance.fewest = counts[c];
      balance.smallest = c;
    }
  }
  return balance;
}

Json balance_json(const Dataset& data) {
  const Balance balance = balance_of(data);
  return {{"largest", data.classes[balance.largest]},
          {"most", balance.most},
          {"smallest", data.classes[balance.smallest]},
          {"fewest", balance.fewest},
          {"ratio", balance.ratio()}};
}

void print_balance(const Dataset& data) {
  constexpr double kWorthSaying = 1.5, kUnbalanced = 3;
  const Balance balance = balance_of(data);
  if (balance.ratio() < kWorthSaying) return;
  print("balance: {} has {:.1f} times the images of {} ({} and {}){}\n",
        printable_line(data.classes[balance.largest]), balance.ratio(),
        printable_line(data.classes[balance.smallest]), balance.most, balance.fewest,
        balance.ratio() < kUnbalanced
            ? ""
            : "; train with --sampling balanced or --class-weights if rare classes matter as much");
}

Json info_json(const Dataset& data, const ChannelStatistics& statistics) {
  Json splits = Json::object(), classes = Json::object();
  for (const ImageSet& split : data.splits) {
    const std::vector<size_t> counts = class_counts(data, split);
    Json by_class = Json::object();
    for (size_t c = 0; c < counts.size(); ++c) append_field(by_class, data.classes[c], counts[c]);
    splits[split.name] = split.count();
    classes[split.name] = by_class;
  }
  const ImageSet& first = data.splits.front();
  return {
      {"path", data.path},         {"kind", data.kind},          {"width", first.width},
      {"height", first.height},    {"channels", first.channels}, {"classes", data.classes},
      {"counts", splits},          {"class_counts", classes},    {"balance", balance_json(data)},
      {"mean", statistics.mean},   {"std", statistics.std},      {"fingerprint", fingerprint(data)},
      {"left_out", data.left_out}, {"notes", data.notes}};
}

void print_text(const Dataset& data, const ChannelStatistics& statistics) {
  const ImageSet& first = data.splits.front();
  print("{} ({}): {} classes, images of {}x{}, {}\n", data.path, data.kind, data.classes.size(),
        first.width, first.height, first.channels == 1 ? "grey" : "colour");
  std::vector<std::string> names;
  size_t widest = 5;
  for (const std::string& name : data.classes) {
    names.push_back(printable_line(name));
    widest = std::max(widest, names.back().size());
  }
  print("{:<{}}", "class", widest);
  for (const ImageSet& split : data.splits) print("  {:>8}", split.name);
  print("\n");
  std::vector<std::vector<size_t>> counts;
  for (const ImageSet& split : data.splits) counts.push_back(class_counts(data, split));
  for (size_t c = 0; c < data.classes.size(); ++c) {
    print("{:<{}}", names[c], widest);
    for (const auto& column : counts) print("  {:>8}", column[c]);
    print("\n");
  }
  print("{:<{}}", "all", widest);
  for (const ImageSet& split : data.splits) print("  {:>8}", split.count());
  print("\n");
  for (size_t c = 0; c < statistics.mean.size(); ++c) {
    print("channel {}: mean {:.6f}, standard deviation {:.6f} (training images, 0..1)\n", c,
          statistics.mean[c], statistics.std[c]);
  }
  print_balance(data);
  print("fingerprint: {}\n", fingerprint(data));
  for (const std::string& note : data.notes) print("note: {}\n", name_flags(note));
}

// A row of images for each class, spread over the first split.
void write_sheet(const Dataset& data, const Flags& flags) {
  constexpr size_t kMaxRows = 100;
  constexpr int kSmall = 64, kLarge = 128;
  const ImageSet& split = data.splits.front();
  std::vector<std::vector<uint32_t>> by_class(data.classes.size());
  for (uint32_t i = 0; i < split.count(); ++i) by_class[split.labels[i]].push_back(i);
  const int side = std::max(split.width, split.height);
  std::vector<SheetCell> cells;
  for (size_t c = 0; c < std::min(by_class.size(), kMaxRows); ++c) {
    for (int k = 0; k < flags.per_class; ++k) {
      const size_t have = by_class[c].size();
      if (static_cast<size_t>(k) >= have) {
        cells.push_back({Image(1, 1), k == 0 ? data.classes[c] + " (none)" : ""});
        continue;
      }
      const size_t at = have * static_cast<size_t>(k) / static_cast<size_t>(flags.per_class);
      Image image = split_image(split, by_class[c][at]);
      if (side > kLarge) {
        image = resize(image, std::max(1, split.width * kLarge / side),
                       std::max(1, split.height * kLarge / side));
      }
      cells.push_back({std::move(image), data.classes[c]});
    }
  }
  const int zoom = side >= kSmall ? 1 : (kSmall + side - 1) / side;
  const std::string title = fs::path(data.path).filename().string() + ": " + split.name + ", " +
                            std::to_string(split.count()) + " images";
  write_binary_output(flags.sheet, encode_png(contact_sheet(cells, flags.per_class, zoom, title)));
}

int run(const Flags& flags) {
  if (is_standard_output(flags.sheet) && !flags.sheet.empty()) {
    throw UsageError("--sheet: standard output takes the text of this verb; name a file");
  }
  VerbProgress progress("reading");
  const Dataset data = read_dataset(flags.data, flags.options(), progress);
  progress.finish();
  const ChannelStatistics statistics = statistics_of(data);
  if (!flags.sheet.empty()) write_sheet(data, flags);
  if (flags.json) {
    print_json(info_json(data, statistics));
  } else {
    print_text(data, statistics);
    if (!flags.sheet.empty()) print("contact sheet: {}\n", show_path(flags.sheet));
  }
  return 0;
}

}  // namespace

void add_data_info(CLI::App& data, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb =
      data.add_subcommand("info", "Counts, sizes, statistics and fingerprint of a set");
  add_read_flags(*verb, *flags);
  verb->add_flag("--json", flags->json, "Print JSON");
  verb->add_option("--sheet", flags->sheet, "Write a contact sheet to this PNG");
  verb->add_option("--per-class", flags->per_class, "Images of each class on the sheet")
      ->check(CLI::Range(1, 50))
      ->capture_default_str();
  examples(*verb,
           {{"popaug data info --data photos --size 32", "a folder of classes, read at 32x32"},
            {"popaug data info --data /usr/share/datasets/fashion-mnist --sheet fashion.png",
             "IDX files, with a picture of each class"},
            {"popaug data info --data set.popaug --json", "for a program"}});
  verb->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

}  // namespace popaug::cli
