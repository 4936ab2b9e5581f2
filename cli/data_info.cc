// popaug data info: what a set holds.
#include <cstdio>
#include <memory>
#include <numeric>

#include "cli/data.h"

namespace popaug::cli {
namespace {

struct Flags : ReadFlags {
  bool json = false;
  std::string sheet;
  int per_class = 6;
};

std::vector<size_t> class_counts(const Dataset& data, const Split& split) {
  std::vector<size_t> counts(data.classes.size());
  for (const uint32_t label : split.labels) ++counts[label];
  return counts;
}

// Mean and standard deviation of what trains: "train", or the first split that has images.
ChannelStatistics statistics_of(const Dataset& data) {
  const Split* split = data.find("train");
  if (split == nullptr || split->count() == 0) {
    for (const Split& one : data.splits) {
      if (one.count() > 0) split = &one;
    }
  }
  POPAUG_ASSERT(split != nullptr);
  std::vector<uint32_t> all(split->count());
  std::iota(all.begin(), all.end(), 0u);
  return channel_statistics(*split, all);
}

Json info_json(const Dataset& data, const ChannelStatistics& statistics) {
  Json splits = Json::object(), classes = Json::object();
  for (const Split& split : data.splits) {
    const std::vector<size_t> counts = class_counts(data, split);
    Json by_class = Json::object();
    for (size_t c = 0; c < counts.size(); ++c) by_class[data.classes[c]] = counts[c];
    splits[split.name] = split.count();
    classes[split.name] = by_class;
  }
  const Split& first = data.splits.front();
  return {{"path", data.path},
          {"kind", data.kind},
          {"width", first.width},
          {"height", first.height},
          {"channels", first.channels},
          {"classes", data.classes},
          {"counts", splits},
          {"class_counts", classes},
          {"mean", statistics.mean},
          {"std", statistics.std},
          {"fingerprint", fingerprint(data)},
          {"notes", data.notes}};
}

void print_text(const Dataset& data, const ChannelStatistics& statistics) {
  const Split& first = data.splits.front();
  std::printf("%s (%s): %zu classes, images of %dx%d, %s\n", data.path.c_str(), data.kind.c_str(),
              data.classes.size(), first.width, first.height,
              first.channels == 1 ? "grey" : "colour");
  size_t widest = 5;
  for (const std::string& name : data.classes) widest = std::max(widest, name.size());
  std::printf("%-*s", static_cast<int>(widest), "class");
  for (const Split& split : data.splits) std::printf("  %8s", split.name.c_str());
  std::printf("\n");
  std::vector<std::vector<size_t>> counts;
  for (const Split& split : data.splits) counts.push_back(class_counts(data, split));
  for (size_t c = 0; c < data.classes.size(); ++c) {
    std::printf("%-*s", static_cast<int>(widest), data.classes[c].c_str());
    for (const auto& column : counts) std::printf("  %8zu", column[c]);
    std::printf("\n");
  }
  std::printf("%-*s", static_cast<int>(widest), "all");
  for (const Split& split : data.splits) std::printf("  %8zu", split.count());
  std::printf("\n");
  for (size_t c = 0; c < statistics.mean.size(); ++c) {
    std::printf("channel %zu: mean %.6f, standard deviation %.6f (training images, 0..1)\n", c,
                statistics.mean[c], statistics.std[c]);
  }
  std::printf("fingerprint: %s\n", fingerprint(data).c_str());
  for (const std::string& note : data.notes) std::printf("note: %s\n", note.c_str());
}

// A row of images for each class, spread over the first split.
void write_sheet(const Dataset& data, const Flags& flags) {
  constexpr size_t kMaxRows = 100;
  constexpr int kSmall = 64, kLarge = 128;
  const Split& split = data.splits.front();
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
  write_file_atomic(flags.sheet, encode_png(contact_sheet(cells, flags.per_class, zoom, title)));
}

int run(const Flags& flags) {
  TerminalProgress progress("reading");
  const Dataset data = read_dataset(flags.data, flags.options(), progress);
  progress.finish();
  const ChannelStatistics statistics = statistics_of(data);
  if (!flags.sheet.empty()) write_sheet(data, flags);
  if (flags.json) {
    std::fputs(json_pretty(info_json(data, statistics)).c_str(), stdout);
  } else {
    print_text(data, statistics);
    if (!flags.sheet.empty()) std::printf("contact sheet: %s\n", flags.sheet.c_str());
  }
  return 0;
}

}  // namespace

void add_data_info(CLI::App& data, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb =
      data.add_subcommand("info", "counts, sizes, statistics and fingerprint of a set");
  add_read_flags(*verb, *flags);
  verb->add_flag("--json", flags->json, "print JSON");
  verb->add_option("--sheet", flags->sheet, "write a contact sheet to this PNG");
  verb->add_option("--per-class", flags->per_class, "images of each class on the sheet")
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
