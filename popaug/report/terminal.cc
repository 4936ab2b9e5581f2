#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "popaug/report/picture.h"

namespace popaug {
namespace {

// From nothing to always, in the 256-colour palette: dark grey, blues, greens, yellow.
constexpr int kRamp[] = {235, 17, 18, 25, 31, 37, 36, 71, 107, 143, 179, 220};
constexpr int kRampSize = int(std::size(kRamp));
constexpr int kDarkUpTo = 4;  // these carry white digits
constexpr std::string_view kShades = " .:-=+*#%@";

std::vector<size_t> strongest_first(const std::vector<OpSummary>& ops) {
  std::vector<size_t> order(ops.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return ops[a].applied > ops[b].applied; });
  return order;
}

struct Column {
  double probability = 0, level = 0;  // means over the epochs of the column
  bool starts = false;                // a segment starts in it
};

// The rows of the picture, by op: `columns` moments each.
std::vector<std::vector<Column>> columns_of(const Schedule& schedule, int columns) {
  const auto segments = summarise_schedule(schedule);
  const size_t ops = schedule.space.ops.size();
  std::vector<std::vector<Column>> rows(ops, std::vector<Column>(size_t(columns)));
  const double total = schedule.epochs();
  double from = 0;
  for (size_t s = 0; s < segments.size(); ++s) {
    const double to = from + schedule.segments[s].epochs;
    const double left = from / total * columns, right = to / total * columns;
    for (int c = int(left); c < columns && c < right; ++c) {
      const double share = std::min<double>(c + 1, right) - std::max<double>(c, left);
      for (size_t op = 0; op < ops; ++op) {
        Column& column = rows[op][size_t(c)];
        column.probability += share * segments[s][op].probability;
        column.level += share * segments[s][op].level;
        if (c == int(left)) column.starts = true;
      }
    }
    from = to;
  }
  return rows;
}

// `painted` holds the escape in force, so that a run of equal cells needs one.
std::string cell(const Column& column, int levels, bool colour, std::string& painted) {
  const double p = std::clamp(column.probability, 0.0, 1.0);
  if (!colour) {
    const size_t shade = p > 0 ? 1 + size_t(std::lround(p * double(kShades.size() - 2))) : 0;
    return std::string(1, kShades[std::min(shade, kShades.size() - 1)]);
  }
  const int step = p > 0 ? 1 + int(std::lround(p * (kRampSize - 2))) : 0;
  const int digit = int(std::lround(column.level / std::max(1, levels - 1) * 9));
  std::string sign = column.starts && p > 0 ? std::to_string(digit) : " ";
  const std::string paint =
      fmt::format("\x1b[48;5;{};38;5;{}m", kRamp[step], step <= kDarkUpTo ? 253 : 16);
  if (paint == painted) return sign;
  painted = paint;
  return paint + sign;
}

std::string title(const Schedule& schedule) {
  return fmt::format("{}: {} epoch{}, {} segment{}, space {} ({} ops)",
                     schedule.name.empty() ? "schedule" : printable_line(schedule.name),
                     schedule.epochs(), schedule.epochs() == 1 ? "" : "s", schedule.segments.size(),
                     schedule.segments.size() == 1 ? "" : "s", printable_line(schedule.space.name),
                     schedule.space.ops.size());
}

size_t name_width(const Schedule& schedule) {
  size_t width = 2;
  for (const SpaceOp& op : schedule.space.ops) width = std::max(width, op.op.size());
  for (const BaseRow& row : base_rows(schedule)) width = std::max(width, row.name.size());
  return std::min<size_t>(width, 24);
}

}  // namespace

std::string terminal_picture(const Schedule& schedule, bool colour, int width) {
  const size_t names = name_width(schedule);
  constexpr int kTail = 20;  // "  p 0.64  level  5.2"
  const int columns =
      std::clamp(std::max(width, 50) - int(names) - 1 - kTail, 10, std::max(10, width));
  const auto rows = columns_of(schedule, columns);
  const auto mean = summarise_over_time(schedule);
  const std::string last = std::to_string(schedule.epochs() - 1);
  std::string text = title(schedule).substr(0, size_t(width)) + "\n";
  text += fmt::format("{:<{}} 0{:>{}}  (mean over time)\n", "epoch", names, last, columns - 1);
  for (const size_t op : strongest_first(mean)) {
    text +=
        fmt::format("{:<{}} ", printable_line(schedule.space.ops[op].op).substr(0, names), names);
    std::string painted;
    for (const Column& column : rows[op]) {
      text += cell(column, schedule.space.levels, colour, painted);
    }
    if (colour) text += "\x1b[0m";
    text += fmt::format("  p {:4.2f}  level {:4.1f}\n", mean[op].probability, mean[op].level);
  }
  const double epochs = schedule.epochs(), step = epochs / columns;
  for (const BaseRow& row : base_rows(schedule)) {
    text += fmt::format("{:<{}} ", row.name.substr(0, names), names);
    std::string painted;
    for (int c = 0; c < columns; ++c) {
      const double to = std::min(epochs, (c + 1) * step);
      text += cell({.probability = mean_over(schedule, row.by_segment, c * step, to)}, 1, colour,
                   painted);
    }
    if (colour) text += "\x1b[0m";
    text += fmt::format("  p {:4.2f}\n", mean_over(schedule, row.by_segment, 0, epochs));
  }
  if (colour) {
    text += "shade: probability 0 ";
    for (int i = 0; i < kRampSize; ++i) text += fmt::format("\x1b[48;5;{}m ", kRamp[i]);
    text += "\x1b[0m 1; digit: level, 0..9 of the range\n";
  } else {
    text += fmt::format("shade: probability 0 \"{}\" 1\n", kShades);
  }
  return text;
}

std::string population_line(const std::vector<double>& scores, bool plain) {
  constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double low = INFINITY, high = -INFINITY;
  for (const double score : scores) {
    if (!std::isfinite(score)) continue;
    low = std::min(low, score);
    high = std::max(high, score);
  }
  std::string line;
  for (const double score : scores) {
    if (!std::isfinite(score)) {
      line += ' ';
      continue;
    }
    const double share = high > low ? (score - low) / (high - low) : 1;
    line += plain ? std::to_string(std::lround(9 * share)) : kBars[std::lround(7 * share)];
  }
  return line;
}

std::string schedule_table(const Schedule& schedule, int columns) {
  const auto segments = summarise_schedule(schedule);
  const auto mean = summarise_over_time(schedule);
  const size_t names = name_width(schedule);
  const int epochs = schedule.epochs();
  std::vector<int> moments;
  for (int i = 0; i < columns; ++i) {
    const int at = columns == 1 ? 0 : int(std::lround(double(i) * (epochs - 1) / (columns - 1)));
    if (moments.empty() || moments.back() != at) moments.push_back(at);
  }
  std::string text = title(schedule) +
                     "\nprobability x level at an epoch; images: expected times "
                     "that an image gets the op, mean over time\n";
  text += fmt::format("{:<{}}  images", "op", names);
  for (const int at : moments) text += fmt::format("  {:>10}", fmt::format("epoch {}", at));
  text += "\n";
  for (const size_t op : strongest_first(mean)) {
    text +=
        fmt::format("{:<{}}  {:6.3f}", printable_line(schedule.space.ops[op].op).substr(0, names),
                    names, mean[op].applied);
    for (const int at : moments) {
      const OpSummary& here = segments[schedule.segment_of(at)][op];
      text += here.probability > 0
                  ? fmt::format("  {:>10}",
                                fmt::format("{:.2f} x {:.1f}", here.probability, here.level))
                  : fmt::format("  {:>10}", "-");
    }
    text += "\n";
  }
  return text;
}

}  // namespace popaug
