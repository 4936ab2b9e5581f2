// The pictures of `popaug augment --sheet`.
#include <algorithm>
#include <cstdio>

#include "cli/augment_flags.h"
#include "popaug/data/data.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

constexpr int kLevelCell = 136;  // small images are magnified to about this: room for captions
constexpr int kEpochCell = 176;
constexpr int kLargestCell = 256;  // larger ones are shrunk to this

// An image that fits a cell.
Image for_cell(const Image& image) {
  const int longer = std::max(image.width(), image.height());
  if (longer <= kLargestCell) return image;
  const auto shrunk = [&](int side) { return std::max(1, side * kLargestCell / longer); };
  return resize(image, shrunk(image.width()), shrunk(image.height()));
}

int zoom_for(const Image& image, int asked, int cell) {
  if (asked > 0) return asked;
  return std::max(1, cell / std::max(1, image.width()));
}

std::string value_text(const OpRow& row, double value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text + (row.unit == "px" || row.unit == "bits" ? " " + row.unit : std::string());
}

std::vector<int> spread(int count, int total) {
  std::vector<int> picked;
  count = std::min(count, total);
  for (int i = 0; i < count; ++i) {
    picked.push_back(count == 1 ? 0 : static_cast<int>(int64_t{i} * (total - 1) / (count - 1)));
  }
  return picked;
}

std::string draws_text(const Schedule& schedule, int epoch, uint64_t seed, uint64_t sample) {
  const auto draws =
      draw_ops(schedule.space_of(schedule.segment_of(epoch)), schedule.rule, schedule.at(epoch),
               {.seed = seed, .epoch = static_cast<uint32_t>(epoch), .sample = sample});
  std::string text;
  for (const Draw& draw : draws) text += " " + schedule.space.ops[draw.op].op;
  return text.empty() ? " -" : text;
}

}  // namespace

Image levels_sheet(const AugmentFlags& flags, const Image& image, bool grey) {
  const Space space = load_space(flags.space.empty() ? "pba" : flags.space);
  const Image shown = for_cell(image);
  const bool negative = flags.sign == "-";
  const int columns = std::min(flags.columns > 0 ? flags.columns : 11, space.levels);
  std::vector<SheetCell> cells;
  for (const SpaceOp& op : space.ops) {
    if (!flags.op.empty() && flags.op != op.op) continue;
    const OpRow& row = *find_op(op.op);
    for (const int level : spread(columns, space.levels)) {
      const double value = op_value(op, level, negative && op.is_signed, shown.width(),
                                    shown.height(), flags.scale_pixels);
      Random random = stream_of(
          {.seed = static_cast<uint64_t>(flags.seed), .sample = static_cast<uint64_t>(level)},
          Purpose::kOp);
      OpContext context{&random, space.fill == Fill::kHole, grey};
      Image cell = shown;
      apply_op(cell, op.op, value, context);
      cells.push_back({cell, op.values.empty() ? op.op
                                               : op.op + " " + std::to_string(level) + ": " +
                                                     value_text(row, value)});
    }
  }
  if (cells.empty())
    throw UsageError("op " + quote(flags.op) + " is not in space " + quote(space.name));
  return contact_sheet(cells, columns, zoom_for(shown, flags.zoom, kLevelCell),
                       "Space " + space.name + ": op x level");
}

Image pairs_sheet(const AugmentFlags& flags) {
  const Schedule schedule = named_schedule(flags);
  ReadOptions options;
  if (!flags.size.empty()) {
    const Size size = parse_size(flags.size);
    options.width = size.width;
    options.height = size.height;
  }
  options.fit = parse_fit(flags.fit);
  options.scaled_decoding = flags.scaled_decoding;
  options.keep_going = flags.keep_going;
  const Dataset data = read_dataset(flags.in, options);
  const ImageSet* split = data.train_or_first();
  if (split == nullptr || split->labels.empty()) {
    throw UsageError(show_path(flags.in) +
                     ": --sheet pairs shows the labels of mixed images, and there are none");
  }
  const std::vector<MixedRow> rows =
      mixed_pairs(*split, data.classes, schedule, flags.epoch, static_cast<uint64_t>(flags.seed),
                  static_cast<size_t>(flags.rows));
  if (rows.empty()) throw Error(show_path(flags.in) + ": no image was mixed; try another --seed");
  std::vector<SheetCell> cells;
  for (const MixedRow& row : rows) {
    const auto add = [&](const std::string& png, const std::string& caption) {
      cells.push_back({for_cell(decode_image(png, "a picture of the sheet")), caption});
    };
    add(row.own, row.label);
    add(row.other, row.other_label);
    add(row.mixed, mixed_labels(row));
  }
  return contact_sheet(cells, 3, zoom_for(cells.front().image, flags.zoom, kEpochCell),
                       schedule.name + ": image, mixed with, and what becomes of them");
}

Image epochs_sheet(const AugmentFlags& flags, const Image& image, bool grey) {
  const Schedule schedule = named_schedule(flags);
  const int total = flags.epochs > 0 ? flags.epochs : schedule.epochs();
  const Schedule used = stretch(schedule, total);
  const Image shown = for_cell(image);
  const std::vector<int> epochs = spread(flags.columns > 0 ? flags.columns : 10, total);
  const auto seed = static_cast<uint64_t>(flags.seed);
  std::vector<Transform> transforms;
  for (const int epoch : epochs) {
    transforms.push_back(schedule_transform(used, epoch, seed, flags.no_base));
  }
  std::vector<SheetCell> cells;
  for (int row = 0; row < flags.rows; ++row) {
    const auto sample = static_cast<uint64_t>(row);
    for (size_t column = 0; column < epochs.size(); ++column) {
      cells.push_back(
          {transforms[column](shown, grey, sample),
           std::to_string(epochs[column]) + ":" + draws_text(used, epochs[column], seed, sample)});
    }
  }
  return contact_sheet(cells, static_cast<int>(epochs.size()),
                       zoom_for(shown, flags.zoom, kEpochCell),
                       schedule.name + ": epoch, and what was drawn");
}

}  // namespace popaug::cli
