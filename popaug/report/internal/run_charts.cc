#include "popaug/report/internal/run_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace popaug {
namespace {

constexpr double kWidth = 860, kHeight = 340, kLeft = 64, kRight = 16, kTop = 30, kBottom = 36;
constexpr double kPlotWidth = kWidth - kLeft - kRight, kPlotHeight = kHeight - kTop - kBottom;

struct Axes {
  double epochs = 1, low = 0, high = 1;
  double x(double epoch) const { return kLeft + kPlotWidth * epoch / epochs; }
  double y(double score) const {
    const double share = (score - low) / (high - low);
    return kTop + kPlotHeight * (1 - std::clamp(share, 0.0, 1.0));
  }
};

Axes axes_of(const RunView& view) {
  Axes axes{double(view.history.settings.epochs), 0, 1};
  std::vector<double> scores;
  for (const JournalResult& result : view.history.results) {
    if (result.score != kDiverged) scores.push_back(result.score);
  }
  if (scores.empty()) return axes;
  std::sort(scores.begin(), scores.end());
  // The worst 2 % may lie below the axis: a diverged member must not flatten the others.
  axes.low = scores[scores.size() / 50];
  axes.high = scores.back();
  const double margin = std::max((axes.high - axes.low) * 0.05, 1e-6);
  axes.low -= margin;
  axes.high += margin;
  return axes;
}

void draw_grid(Svg& svg, const Axes& axes, const std::string& metric) {
  for (const double score : round_ticks(axes.low, axes.high, 6)) {
    svg.line(kLeft, axes.y(score), kLeft + kPlotWidth, axes.y(score), "grid");
    svg.text(kLeft - 6, axes.y(score) + 4, number_text(score), "label small", "end");
  }
  for (const double epoch : whole_ticks(axes.epochs, 8)) {
    svg.text(axes.x(epoch), kTop + kPlotHeight + 14, number_text(epoch), "label small", "middle");
  }
  svg.line(kLeft, kTop + kPlotHeight, kLeft + kPlotWidth, kTop + kPlotHeight, "axis");
  svg.text(kLeft, 16, metric + " of every member over its epochs; arrows: exploits", "title");
  svg.text(kLeft + kPlotWidth, kTop + kPlotHeight + 28, "epochs trained", "label small", "end");
}

using ResultsOf = std::vector<std::vector<const JournalResult*>>;  // by member, in order of rounds

ResultsOf by_member(const RunView& view) {
  ResultsOf results(size_t(view.history.settings.population));
  for (const JournalResult& result : view.history.results) {
    if (result.score == kDiverged) continue;
    results.at(size_t(result.member)).push_back(&result);
  }
  return results;
}

// The last result of a member with these weights' epochs, and the one after it.
struct Found {
  const JournalResult* at = nullptr;
  const JournalResult* next = nullptr;
};
Found find_result(const ResultsOf& results, int member, int epochs) {
  const auto& own = results.at(size_t(member));
  for (size_t i = own.size(); i-- > 0;) {
    if (own[i]->epochs == epochs) return {own[i], i + 1 < own.size() ? own[i + 1] : nullptr};
  }
  return {};
}

void draw_members(Svg& svg, const Axes& axes, const ResultsOf& results,
                  const std::map<std::pair<int, int>, int>& targets) {
  for (size_t member = 0; member < results.size(); ++member) {
    std::vector<std::pair<double, double>> points;
    const std::string name = "member " + std::to_string(member);
    for (const JournalResult* result : results[member]) {
      points.emplace_back(axes.x(result->epochs), axes.y(result->score));
      if (targets.count({int(member), result->epochs})) {  // its weights are given up here
        svg.polyline(points, "member", name);
        points.clear();
      }
    }
    if (points.size() == 1) svg.circle(points[0].first, points[0].second, 1.5, "dot", name);
    if (points.size() > 1) svg.polyline(points, "member", name);
  }
}

void draw_copies(Svg& svg, const Axes& axes, const RunView& view, const ResultsOf& results) {
  for (const Decision& decision : view.history.decisions) {
    for (const Copy& copy : decision.copies) {
      const Found donor = find_result(results, copy.donor, copy.donor_epochs);
      const Found target = find_result(results, copy.target, copy.target_epochs);
      if (!donor.at || !target.next) continue;
      svg.arrow(axes.x(donor.at->epochs), axes.y(donor.at->score), axes.x(target.next->epochs),
                axes.y(target.next->score), "exploit",
                fmt::format("round {}: {} copies {}", decision.round, copy.target, copy.donor));
    }
  }
}

void draw_lineage(Svg& svg, const Axes& axes, const RunView& view, const ResultsOf& results) {
  const int best = view.best_member();
  if (best < 0) return;
  const auto lineage = view.history.population.lineage(best);
  std::vector<std::pair<double, double>> points;
  for (size_t i = 0; i < lineage.size(); ++i) {
    const int to = i + 1 < lineage.size() ? lineage[i + 1].first_epoch : INT32_MAX;
    for (const JournalResult* result : results.at(size_t(lineage[i].member))) {
      if (result->epochs <= lineage[i].first_epoch || result->epochs > to) continue;
      points.emplace_back(axes.x(result->epochs), axes.y(result->score));
    }
  }
  svg.polyline(points, "lineage",
               view.finished() ? "the winner's lineage" : "the lineage of the best so far");
  for (const auto& [x, y] : points) svg.circle(x, y, points.size() > 80 ? 1.5 : 2.5, "lineage-dot");
}

}  // namespace

Svg score_chart(const RunView& view) {
  Svg svg(kWidth, kHeight,
          view.history.settings.metric + " of every member of the population over its epochs");
  const Axes axes = axes_of(view);
  draw_grid(svg, axes, view.history.settings.metric);
  const ResultsOf results = by_member(view);
  std::map<std::pair<int, int>, int> targets;
  for (const Decision& decision : view.history.decisions) {
    for (const Copy& copy : decision.copies) ++targets[{copy.target, copy.target_epochs}];
  }
  draw_members(svg, axes, results, targets);
  draw_copies(svg, axes, view, results);
  draw_lineage(svg, axes, view, results);
  return svg;
}

Svg time_chart(const std::vector<double>& rounds, const std::string& unit, int first) {
  constexpr double kBars = 120;
  Svg svg(kWidth, kTop + kBars + 24, "Seconds of work in each " + unit);
  svg.text(kLeft, 16, "seconds of work, by " + unit, "title");
  const double most = rounds.empty() ? 0 : *std::max_element(rounds.begin(), rounds.end());
  if (most <= 0) return svg;
  const double step = kPlotWidth / double(rounds.size());
  for (size_t i = 0; i < rounds.size(); ++i) {
    const double height = kBars * rounds[i] / most;
    svg.rect(kLeft + step * double(i), kTop + kBars - height, std::max(step - 1, 0.5), height,
             "heat", 1, fmt::format("{} {}: {:.1f} s", unit, i + size_t(first), rounds[i]));
  }
  svg.line(kLeft, kTop + kBars, kLeft + kPlotWidth, kTop + kBars, "axis");
  svg.text(kLeft - 6, kTop + 8, fmt::format("{:.0f} s", most), "label small", "end");
  svg.text(kLeft, kTop + kBars + 14, unit + " " + std::to_string(first), "label small");
  svg.text(kLeft + kPlotWidth, kTop + kBars + 14, std::to_string(rounds.size() - 1 + size_t(first)),
           "label small", "end");
  return svg;
}

}  // namespace popaug
