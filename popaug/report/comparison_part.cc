// Shows the comparison of arms in compare.json; missing keys are left out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "popaug/report/internal/parts.h"

namespace popaug {
namespace {

struct Interval {
  double low = 0, high = 0;
};

std::optional<Interval> interval(const Json& object) {
  const auto at = object.find("interval");
  if (at == object.end() || !at->is_array() || at->size() != 2 || !(*at)[0].is_number() ||
      !(*at)[1].is_number()) {
    return {};
  }
  return Interval{(*at)[0].get<double>(), (*at)[1].get<double>()};
}

std::string interval_text(const Json& object, int decimals) {
  const auto range = interval(object);
  return range ? fmt::format("{:.{}f} to {:.{}f}", range->low, decimals, range->high, decimals)
               : "–";
}

std::string rounded(const Json& object, const char* key, int decimals) {
  const auto value = finite_number(object, key);
  return value ? fmt::format("{:.{}f}", *value, decimals) : "–";
}

// What was measured: the error of the accuracy in percent, or a score of another metric.
struct Shown {
  std::string key, name, unit, better;
  int decimals = 2;
};

Shown shown_of(const Json& compare) {
  const auto metric = compare.find("metric");
  if (metric == compare.end() || !metric->is_object()) {
    return {"error", "test error", " %", "lower"};
  }
  const std::string name = text_or_dash(*metric, "name");
  const bool share = name == "balanced-accuracy";
  if (share) return {"error", "balanced test error", " %", "lower"};
  return {"score", name, "", text_or_dash(*metric, "better"), 4};
}

std::string name_of(const Json& arm) {
  return text_or_dash(arm, arm.contains("title") ? "title" : "name");
}

bool is_learned(const Json& arm) {
  return arm.is_object() && arm.value("family", Json()) == Json("learned");
}

// Draws a row for each arm: its error (or score) as a dot, its interval as a line.
Svg arms_chart(const std::vector<Json>& arms, const Shown& shown) {
  const char* key = shown.key.c_str();
  constexpr double kWidth = 860, kLeft = 250, kRight = 24, kTop = 34, kRow = 24;
  Svg svg(kWidth, kTop + kRow * double(arms.size()) + 24,
          shown.name + " of every arm with its 95 % interval");
  double low = INFINITY, high = -INFINITY;
  for (const Json& arm : arms) {
    const double error = finite_number(arm, key).value_or(0);
    const Interval range = interval(arm).value_or(Interval{error, error});
    low = std::min({low, range.low, error});
    high = std::max({high, range.high, error});
  }
  const double margin = std::max((high - low) * 0.06, shown.unit.empty() ? 1e-6 : 0.05);
  low -= margin;
  high += margin;
  const double width = kWidth - kLeft - kRight, bottom = kTop + kRow * double(arms.size());
  const auto x = [&](double error) { return kLeft + width * (error - low) / (high - low); };
  svg.text(kLeft, 16,
           shown.name + (shown.unit.empty() ? "" : " in %") +
               ", mean over seeds, with its 95 % interval",
           "title");
  for (const double error : round_ticks(low, high, 6)) {
    svg.line(x(error), kTop - 6, x(error), bottom, "grid");
    svg.text(x(error), bottom + 14, number_text(error), "label small", "middle");
  }
  for (size_t i = 0; i < arms.size(); ++i) {
    const double y = kTop + kRow * (double(i) + 0.4),
                 error = finite_number(arms[i], key).value_or(0);
    const std::string words =
        name_of(arms[i]) + ": " + rounded(arms[i], key, shown.decimals) + shown.unit;
    svg.text(kLeft - 10, y + 4, name_of(arms[i]), "label", "end");
    if (const auto range = interval(arms[i])) {
      svg.line(x(range->low), y, x(range->high), y, "curve",
               words + ", " + interval_text(arms[i], shown.decimals));
      for (const double end : {range->low, range->high})
        svg.line(x(end), y - 4, x(end), y + 4, "curve");
    }
    svg.circle(x(error), y, 4, "lineage-dot", words);
  }
  return svg;
}

// Adds the differences between one arm and the others of a list, paired by seed.
void difference_rows(const Json& arm, const char* list, int decimals, Rows& rows) {
  const auto at = arm.find(list);
  if (at == arm.end() || !at->is_array()) return;
  for (const Json& one : *at) {
    if (!one.is_object()) continue;
    rows.push_back({name_of(arm), text_or_dash(one, "against"),
                    rounded(one, "difference", decimals), interval_text(one, decimals),
                    rounded(one, "adjusted_p", 4),
                    one.value("better", Json()) == Json(true) ? "yes" : "no"});
  }
}

}  // namespace

std::string comparison_part(const Json& compare) {
  const Shown shown = shown_of(compare);
  const char* key = shown.key.c_str();
  const bool points = !shown.unit.empty();
  std::string body;
  if (compare.contains("verdict") && compare["verdict"].is_string()) {
    body += "<p class=\"answer\">" + html_escape(compare["verdict"].get<std::string>()) + "</p>\n";
  }
  std::vector<Json> arms;
  Rows rows, differences;
  const auto list = compare.find("arms");
  // The differences of the learned arms; of all, if there is none.
  const bool learned = list != compare.end() && list->is_array() &&
                       std::any_of(list->begin(), list->end(), is_learned);
  for (const Json& arm : list != compare.end() && list->is_array() ? *list : Json::array()) {
    if (!arm.is_object()) continue;
    if (finite_number(arm, key)) arms.push_back(arm);
    const auto images = [&](const char* field) {
      const auto count = finite_number(arm, field);
      return count ? count_text(*count) : "–";
    };
    rows.push_back(
        {name_of(arm), rounded(arm, key, shown.decimals), interval_text(arm, shown.decimals),
         text_or_dash(arm, "seeds"), finite_number(arm, "images") == 0.0 ? "–" : images("images"),
         images("search_images"), rounded(arm, "core_hours", 2), text_or_dash(arm, "verdict")});
    if (!learned || is_learned(arm)) {
      difference_rows(arm, "free", shown.decimals, differences);
      difference_rows(arm, "controls", shown.decimals, differences);
    }
  }
  if (!arms.empty()) {
    body += figure("arms", arms_chart(arms, shown),
                   points ? "Error on test images; lower is better."
                          : "The " + shown.name + "; " + shown.better + " is better.");
  }
  if (!rows.empty()) {
    body += table({"arm", points ? shown.name + " %" : shown.name, "95 % interval", "seeds",
                   "images a training", "images of its search", "core-hours", "in words"},
                  rows);
  }
  if (!differences.empty()) {
    body += "<details><summary>Differences, paired by seed</summary>" +
            table({"arm", "against", points ? "points better" : "difference", "95 % interval",
                   "adjusted p", "better"},
                  differences) +
            "</details>\n";
  }
  const auto notes = compare.find("notes");
  for (const Json& note : notes != compare.end() && notes->is_array() ? *notes : Json::array()) {
    if (note.is_string()) body += "<p>" + html_escape(note.get<std::string>()) + ".</p>\n";
  }
  return body;
}

}  // namespace popaug
