#include "popaug/report/internal/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "popaug/report/picture.h"

namespace popaug {
namespace {

constexpr size_t kMaxBlocks = 240;
constexpr double kWidth = 860, kLeft = 118, kRight = 130, kRow = 17, kTop = 34;
constexpr double kPlot = kWidth - kLeft - kRight;

struct Scale {
  double epochs;
  double x(double epoch) const { return kLeft + kPlot * epoch / epochs; }
};

void epoch_axis(Svg& svg, const Scale& scale, double y) {
  svg.line(kLeft, y, kLeft + kPlot, y, "axis");
  for (const double epoch : whole_ticks(scale.epochs, 8)) {
    svg.line(scale.x(epoch), y, scale.x(epoch), y + 4, "axis");
    svg.text(scale.x(epoch), y + 15, number_text(epoch), "label small", "middle");
  }
  svg.text(kLeft + kPlot + 8, y + 15, "epoch", "label small");
}

const char* value_name(HeatValue value) {
  return value == HeatValue::kProbability ? "probability" : "level";
}

double value_of(const OpSummary& op, HeatValue value) {
  return value == HeatValue::kProbability ? op.probability : op.level;
}

const BandCurve& band_lines(const DriftBand& band, size_t op, HeatValue value) {
  return value == HeatValue::kProbability ? band.probability[op] : band.level[op];
}

// Returns whether most of a block lies outside the band: -1 below, +1 above, 0 inside.
int side_of_band(const Block& block, double value, const BandCurve& lines, const DriftBand& band,
                 double epochs) {
  const auto at = band.epoch_of(int((block.from + block.to) / 2), int(epochs));
  if (value > lines.high[at] + 1e-9) return 1;
  if (value < lines.low[at] - 1e-9) return -1;
  return 0;
}

void legend(Svg& svg, double x, double y, const char* css, const std::string& low,
            const std::string& high) {
  constexpr int kSteps = 5;
  svg.text(x, y - 6, low, "label small");
  for (int i = 0; i <= kSteps; ++i) svg.rect(x + i * 12, y, 12, 10, css, double(i) / kSteps);
  svg.rect(x, y, (kSteps + 1) * 12, 10, "frame");
  svg.text(x + (kSteps + 1) * 12, y - 6, high, "label small", "end");
}

// Draws a finished chart into a document below others.
void place(std::string& body, const Svg& chart, double y) {
  std::string inner = chart.inline_element();
  inner.erase(0, inner.find('\n') + 1);
  inner.erase(inner.rfind("</svg>"));
  body += fmt::format("<g transform=\"translate(0 {})\">\n{}</g>\n", svg_number(y), inner);
}

}  // namespace

std::vector<Block> blocks_of(const Schedule& schedule) {
  const auto segments = summarise_schedule(schedule);
  std::vector<Block> blocks;
  if (segments.size() <= kMaxBlocks) {
    double from = 0;
    for (size_t s = 0; s < segments.size(); ++s) {
      blocks.push_back({from, from + schedule.segments[s].epochs, segments[s]});
      from = blocks.back().to;
    }
    return blocks;
  }
  const double epochs = schedule.epochs();
  const double step = epochs / kMaxBlocks;
  for (size_t b = 0; b < kMaxBlocks; ++b) {
    blocks.push_back({double(b) * step, double(b + 1) * step,
                      std::vector<OpSummary>(schedule.space.ops.size())});
  }
  double from = 0;
  for (size_t s = 0; s < segments.size(); ++s) {
    const double to = from + schedule.segments[s].epochs;
    for (size_t b = size_t(from / step); b < kMaxBlocks && double(b) * step < to; ++b) {
      const double share = (std::min(to, blocks[b].to) - std::max(from, blocks[b].from)) / step;
      if (share <= 0) continue;
      for (size_t op = 0; op < segments[s].size(); ++op) {
        blocks[b].ops[op].probability += share * segments[s][op].probability;
        blocks[b].ops[op].level += share * segments[s][op].level;
        blocks[b].ops[op].applied += share * segments[s][op].applied;
      }
    }
    from = to;
  }
  return blocks;
}

std::vector<size_t> picture_order(const Schedule& schedule) {
  const auto mean = summarise_over_time(schedule);
  std::vector<size_t> order(mean.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return mean[a].applied > mean[b].applied; });
  return order;
}

Svg heat_chart(const Schedule& schedule, HeatValue value, const DriftBand* band) {
  const auto order = picture_order(schedule);
  const auto blocks = blocks_of(schedule);
  const Scale scale{double(schedule.epochs())};
  const double top = value == HeatValue::kProbability ? 1 : std::max(1, schedule.space.levels - 1);
  const char* css = value == HeatValue::kProbability ? "heat" : "heat2";
  // Base transforms have probabilities and no levels.
  const auto bases =
      value == HeatValue::kProbability ? base_rows(schedule) : std::vector<BaseRow>();
  const double bottom = kTop + kRow * double(order.size() + bases.size());
  const std::string name = value_name(value);
  Svg svg(kWidth, bottom + 26,
          "Heat map of the " + name + " of every op over the epochs of " + schedule.name);
  svg.text(kLeft, 16, name + " of each op over time", "title");
  const auto draw = [&](const std::string& label, double y, const Block& block, double here) {
    const double x = scale.x(block.from), width = scale.x(block.to) - x;
    svg.rect(x, y, width, kRow - 1, css, std::clamp(here / top, 0.0, 1.0),
             fmt::format("{}, epochs {} to {}: {} {:.2f}", label, svg_number(block.from),
                         svg_number(block.to - 1), name, here));
  };
  for (size_t row = 0; row < order.size(); ++row) {
    const std::string& op = schedule.space.ops[order[row]].op;
    const double y = kTop + kRow * double(row);
    svg.text(kLeft - 8, y + 12.5, op, "label", "end");
    const auto in_band = band ? band->find(op) : std::nullopt;
    for (const Block& block : blocks) {
      const double here = value_of(block.ops[order[row]], value);
      draw(op, y, block, here);
      if (!in_band) continue;
      if (side_of_band(block, here, band_lines(*band, *in_band, value), *band, scale.epochs)) {
        const double x = scale.x(block.from), width = scale.x(block.to) - x;
        svg.rect(x + 1, y + 1, std::max(width - 2, 0.5), kRow - 3, "outside");
      }
    }
  }
  for (size_t row = 0; row < bases.size(); ++row) {
    const double y = kTop + kRow * double(order.size() + row);
    svg.text(kLeft - 8, y + 12.5, bases[row].name, "label", "end");
    for (const Block& block : blocks) {
      draw(bases[row].name, y, block,
           mean_over(schedule, bases[row].by_segment, block.from, block.to));
    }
  }
  svg.rect(kLeft, kTop, kPlot, bottom - kTop - 1, "frame");
  epoch_axis(svg, scale, bottom);
  legend(svg, kWidth - kRight + 16, kTop + 10, css, "0", number_text(top));
  if (band) {
    svg.rect(kWidth - kRight + 17, kTop + 35, 14, 10, "outside");
    svg.text(kWidth - kRight + 36, kTop + 44, "outside drift", "label small");
  }
  return svg;
}

Svg share_chart(const Schedule& schedule) {
  const auto order = picture_order(schedule);
  const auto blocks = blocks_of(schedule);
  const Scale scale{double(schedule.epochs())};
  double most = 0;
  for (const Block& block : blocks) {
    double sum = 0;
    for (const OpSummary& op : block.ops) sum += op.applied;
    most = std::max(most, sum);
  }
  most = most > 0 ? most * 1.02 : 1;
  constexpr double kHeight = 190;
  const double bottom = kTop + kHeight;
  const auto y_of = [&](double v) { return bottom - kHeight * v / most; };
  Svg svg(kWidth, std::max(bottom + 26, kTop + 12 + 12.0 * double(order.size())),
          "Expected number of ops per image over time, stacked by op, for " + schedule.name);
  svg.text(kLeft, 16, "expected ops per image, stacked", "title");
  for (const double tick : round_ticks(0, most, 4)) {
    svg.line(kLeft, y_of(tick), kLeft + kPlot, y_of(tick), "grid");
    svg.text(kLeft - 8, y_of(tick) + 4, number_text(tick), "label small", "end");
  }
  for (const Block& block : blocks) {
    double sum = 0;
    for (size_t row = 0; row < order.size(); ++row) {
      const double applied = block.ops[order[row]].applied;
      if (applied <= 0) continue;
      const double x = scale.x(block.from);
      svg.filled(
          x, y_of(sum + applied), scale.x(block.to) - x, y_of(sum) - y_of(sum + applied),
          series_colour(row),
          fmt::format("{}, epochs {} to {}: {:.3f} per image", schedule.space.ops[order[row]].op,
                      svg_number(block.from), svg_number(block.to - 1), applied));
      sum += applied;
    }
  }
  epoch_axis(svg, scale, bottom);
  for (size_t row = 0; row < order.size(); ++row) {
    const double y = kTop + 12.0 * double(row);
    svg.filled(kWidth - kRight + 16, y, 9, 9, series_colour(row));
    svg.text(kWidth - kRight + 30, y + 8, schedule.space.ops[order[row]].op, "label small");
  }
  return svg;
}

namespace {

// One small picture of the band chart: its place and its axes.
struct Cell {
  double left, upper, width, height, top;
  double x(double share) const { return left + width * share; }
  double y(double value) const { return upper + height * (1 - std::clamp(value / top, 0.0, 1.0)); }
};

void draw_band(Svg& svg, const Cell& cell, const DriftBand& band, const BandCurve& lines) {
  constexpr int kSteps = 60;
  const int steps = std::min(band.epochs, kSteps);
  std::vector<std::pair<double, double>> upper, lower, mean;
  for (int s = 0; s < steps; ++s) {
    const auto epoch = size_t(int64_t{s} * (band.epochs - 1) / std::max(steps - 1, 1));
    const double x = cell.x((double(epoch) + 0.5) / band.epochs);
    upper.emplace_back(x, cell.y(lines.high[epoch]));
    lower.emplace_back(x, cell.y(lines.low[epoch]));
    mean.emplace_back(x, cell.y(lines.mean[epoch]));
  }
  upper.insert(upper.end(), lower.rbegin(), lower.rend());
  svg.polygon(upper, "band", 0.25);
  svg.polyline(mean, "mean");
}

// Draws the curve of one op and marks its exits from the band (if the band has the op).
void draw_curve(Svg& svg, const Cell& cell, const std::vector<Block>& blocks, size_t op,
                HeatValue value, const BandCurve* lines, const DriftBand& band,
                const std::string& words) {
  const double epochs = blocks.back().to;
  std::vector<std::pair<double, double>> curve;
  for (const Block& block : blocks) {
    const double here = value_of(block.ops[op], value), y = cell.y(here);
    curve.emplace_back(cell.x(block.from / epochs), y);
    curve.emplace_back(cell.x(block.to / epochs), y);
    if (lines && side_of_band(block, here, *lines, band, epochs)) {
      svg.rect(cell.x(block.from / epochs), y - 1.75, cell.width * (block.to - block.from) / epochs,
               3.5, "exit");
    }
  }
  svg.polyline(curve, "curve", words);
}

}  // namespace

Svg band_chart(const Schedule& schedule, const DriftBand& band, HeatValue value) {
  constexpr int kColumns = 5;
  constexpr double kCellWidth = 168, kCellHeight = 92, kInset = 22;
  const auto order = picture_order(schedule);
  const auto blocks = blocks_of(schedule);
  const double top = value == HeatValue::kProbability ? 1 : std::max(1, schedule.space.levels - 1);
  const size_t rows = (order.size() + kColumns - 1) / kColumns;
  const std::string name = value_name(value);
  Svg svg(kWidth, 28 + kCellHeight * double(rows),
          "For each op the " + name + " over time against the band that mutation alone produces");
  svg.text(10, 16,
           name + " against the band of " + std::to_string(band.lineages) +
               " lineages under mutation alone (red: outside)",
           "title");
  for (size_t i = 0; i < order.size(); ++i) {
    const std::string& op = schedule.space.ops[order[i]].op;
    const size_t across = i % kColumns, down = i / kColumns;
    const Cell cell{10 + kCellWidth * double(across) + kInset, 28 + kCellHeight * double(down) + 16,
                    kCellWidth - kInset - 8, kCellHeight - 30, top};
    svg.text(cell.left, cell.upper - 4, op, "label");
    svg.rect(cell.left, cell.upper, cell.width, cell.height, "frame");
    svg.text(cell.left - 3, cell.upper + 8, number_text(top), "label small", "end");
    svg.text(cell.left - 3, cell.upper + cell.height, "0", "label small", "end");
    const auto row = band.find(op);
    const BandCurve* lines = row ? &band_lines(band, *row, value) : nullptr;
    if (lines) draw_band(svg, cell, band, *lines);
    draw_curve(svg, cell, blocks, order[i], value, lines, band, op + ": " + name + " over time");
  }
  return svg;
}

namespace {

// Puts several charts into one document, one below the other.
std::string stack(const std::vector<Svg>& charts, const std::string& description) {
  double height = 8;
  for (const Svg& chart : charts) height += chart.height() + 10;
  std::string body;
  double y = 8;
  for (const Svg& chart : charts) {
    place(body, chart, y);
    y += chart.height() + 10;
  }
  const std::string frame = Svg(kWidth, height, description).document();
  return frame.substr(0, frame.rfind("</svg>")) + body + "</svg>\n";
}

}  // namespace

std::string schedule_svg(const Schedule& schedule, const DriftBand* band) {
  return stack({heat_chart(schedule, HeatValue::kProbability, band),
                heat_chart(schedule, HeatValue::kLevel, band), share_chart(schedule)},
               "Schedule " + schedule.name + ": probability, level and expected share of each op");
}

std::string band_svg(const Schedule& schedule, const DriftBand& band) {
  return stack({band_chart(schedule, band, HeatValue::kProbability),
                band_chart(schedule, band, HeatValue::kLevel)},
               "Schedule " + schedule.name + " against the drift band");
}

}  // namespace popaug
