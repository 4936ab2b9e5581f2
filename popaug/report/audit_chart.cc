// The heat maps of an audit.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "popaug/report/audit_view.h"
#include "popaug/report/svg.h"

namespace popaug {
namespace {

constexpr double kLeast = 104, kLetter = 6.2, kTop = 64, kRow = 19, kCell = 40, kGap = 26;

// The value of a cell that one of the maps shows.
struct Measure {
  const char* title;
  const char* note;
  double (*value)(const CellFinding&);
  double neutral;  // shown without a colour
  const char* form;
};

constexpr Measure kMeasures[] = {
    {"affinity", "points, images with the op", [](const CellFinding& f) { return f.affinity; }, 0,
     "{:.0f}"},
    {"diversity", "training loss, relative", [](const CellFinding& f) { return f.diversity; }, 1,
     "{:.2f}"},
    {"gain", "points, trained with the op", [](const CellFinding& f) { return f.gain; }, 0,
     "{:+.1f}"},
};

// The place of an op's levels: the columns are the numbers of the tested levels, the same for all
// ops.
struct Grid {
  std::vector<std::string> ops;
  std::vector<int> columns;  // levels; an op without levels is in the first column
  explicit Grid(const Audit& audit) {
    for (const CellFinding& f : audit.cells) {
      if (ops.empty() || ops.back() != f.cell.op.op) ops.push_back(f.cell.op.op);
      if (!f.cell.op.values.empty()) columns.push_back(f.cell.level);
    }
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    if (columns.empty()) columns.push_back(0);
  }
  // Where the maps begin: right of the longest name.
  double left() const {
    size_t longest = 0;
    for (const std::string& op : ops) longest = std::max(longest, op.size());
    return std::max(kLeast, 16 + kLetter * static_cast<double>(longest));
  }
  double width() const { return kCell * static_cast<double>(columns.size()); }
  double y(const std::string& op) const {
    return kTop + kRow * static_cast<double>(std::find(ops.begin(), ops.end(), op) - ops.begin());
  }
  // Left edge and width of a cell; one without levels fills the row.
  std::pair<double, double> span(const AuditCell& cell) const {
    if (cell.op.values.empty()) return {0, width()};
    const auto at = std::find(columns.begin(), columns.end(), cell.level) - columns.begin();
    return {kCell * static_cast<double>(at), kCell};
  }
};

void draw_map(Svg& svg, const Audit& audit, const Grid& grid, const Measure& measure, double left) {
  double most = 1e-9;
  for (const CellFinding& f : audit.cells) {
    most = std::max(most, std::abs(measure.value(f) - measure.neutral));
  }
  svg.text(left, 30, measure.title, "title");
  svg.text(left, 44, measure.note, "label small");
  for (size_t i = 0; i < grid.columns.size(); ++i) {
    svg.text(left + kCell * (static_cast<double>(i) + 0.5), kTop - 5,
             "level " + std::to_string(grid.columns[i]), "label small", "middle");
  }
  for (const CellFinding& f : audit.cells) {
    const auto [x, width] = grid.span(f.cell);
    const double y = grid.y(f.cell.op.op), value = measure.value(f);
    const double off = value - measure.neutral;
    const std::string number = fmt::format(fmt::runtime(measure.form), value);
    svg.rect(left + x, y, width - 1, kRow - 1, off < 0 ? "heat2" : "heat",
             0.75 * std::abs(off) / most, f.cell.name() + ": " + measure.title + " " + number);
    svg.text(left + x + width / 2, y + 12.5, number, "label small", "middle");
    if (f.harmful) svg.rect(left + x + 1, y + 1, width - 3, kRow - 3, "outside");
  }
  svg.rect(left, kTop, grid.width(), kRow * static_cast<double>(grid.ops.size()) - 1, "frame");
}

}  // namespace

std::string audit_svg(const Audit& audit) {
  const Grid grid(audit);
  const double bottom = kTop + kRow * static_cast<double>(grid.ops.size());
  const double begin = grid.left();
  Svg svg(begin + 3 * (grid.width() + kGap), bottom + 30,
          "Audit of ops: affinity, diversity and gain of every op and level");
  for (const std::string& op : grid.ops) {
    svg.text(begin - 8, grid.y(op) + 12.5, op, "label", "end");
  }
  double left = begin;
  for (const Measure& measure : kMeasures) {
    draw_map(svg, audit, grid, measure, left);
    left += grid.width() + kGap;
  }
  svg.rect(begin, bottom + 10, 14, 10, "outside");
  svg.text(begin + 20, bottom + 19, "harm shown", "label small");
  return svg.document();
}

}  // namespace popaug
