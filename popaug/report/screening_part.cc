// Shows the screening in choose.json; missing keys are left out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "popaug/report/internal/parts.h"

namespace popaug {
namespace {

std::vector<Json> objects(const Json& object, const char* key) {
  std::vector<Json> found;
  const auto list = object.find(key);
  for (const Json& one : list != object.end() && list->is_array() ? *list : Json::array()) {
    if (one.is_object()) found.push_back(one);
  }
  return found;
}

// "75.3" of [75.1, 75.5], with its count.
std::pair<std::string, size_t> mean_of(const Json& object, const char* key, int decimals) {
  double sum = 0;
  size_t count = 0;
  const auto list = object.find(key);
  for (const Json& one : list != object.end() && list->is_array() ? *list : Json::array()) {
    if (!one.is_number()) continue;
    sum += one.get<double>();
    ++count;
  }
  return {count > 0 ? fmt::format("{:.{}f}", sum / double(count), decimals) : "–", count};
}

std::string name_of(const Json& arm) {
  return text_or_dash(arm, arm.contains("title") ? "title" : "name");
}

std::string points_text(const Json& object, const char* key, bool sign) {
  const auto points = finite_number(object, key), half = finite_number(object, "half_interval");
  if (!points) return "–";
  const std::string value = sign ? fmt::format("{:+.1f}", *points) : fmt::format("{:.1f}", *points);
  return half ? fmt::format("{} ± {:.1f}", value, *half) : value;
}

bool is_set(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string standing_text(const Json& arm, const Json& winner) {
  if (arm.value("name", Json()) == winner) return "chosen";
  return is_set(arm, "left_out") ? "left out" : points_text(arm, "behind", false);
}

// A row for each recipe: the points that it is behind the chosen one, with its interval.
Svg behind_chart(const std::vector<Json>& arms) {
  constexpr double kWidth = 860, kLeft = 330, kRight = 24, kTop = 34, kRow = 24;
  const double bottom = kTop + kRow * double(arms.size());
  Svg svg(kWidth, bottom + 24, "points behind the chosen recipe");
  svg.text(kLeft, 16, "points behind the chosen recipe, with the 95 % interval", "title");
  double low = 0, high = 1;
  const auto half = [](const Json& arm) { return finite_number(arm, "half_interval").value_or(0); };
  for (const Json& arm : arms) {
    low = std::min(low, *finite_number(arm, "behind") - half(arm));
    high = std::max(high, *finite_number(arm, "behind") + half(arm));
  }
  const auto x = [&](double points) {
    return kLeft + (kWidth - kLeft - kRight) * (points - low) / (high - low);
  };
  for (const double points : round_ticks(low, high, 6)) {
    svg.line(x(points), kTop - 6, x(points), bottom, "grid");
    svg.text(x(points), bottom + 14, number_text(points), "label small", "middle");
  }
  for (size_t i = 0; i < arms.size(); ++i) {
    const double y = kTop + kRow * (double(i) + 0.4), behind = *finite_number(arms[i], "behind");
    const std::string words = name_of(arms[i]) + ": " + points_text(arms[i], "behind", false);
    svg.text(kLeft - 10, y + 4, name_of(arms[i]), "label", "end");
    svg.line(x(behind - half(arms[i])), y, x(behind + half(arms[i])), y, "curve", words);
    svg.circle(x(behind), y, 4, "lineage-dot", words);
  }
  return svg;
}

std::string worth_table(const Json& screening) {
  Rows rows;
  for (const Json& worth : objects(screening, "worth")) {
    const std::string factor = text_or_dash(worth, "factor"), level = text_or_dash(worth, "level");
    std::string what = factor + " " + level;
    if (factor == "strength") what = "strength " + level + " instead of 0";
    if (level == "flip") what = "mirroring";
    if (level == "dihedral") what = "all eight flips and turns";
    rows.push_back({what, points_text(worth, "points", true)});
  }
  if (rows.empty()) return "";
  return "<p>What each part is worth on these images, by all trainings together:</p>\n" +
         table({"part", "points gained"}, rows);
}

std::string symmetry_table(const Json& screening) {
  Rows rows;
  for (const Json& test : objects(screening, "symmetries")) {
    const auto plain = finite_number(test, "accuracy");
    const auto turned = finite_number(test, "turned_accuracy");
    if (!plain || !turned) continue;
    rows.push_back({text_or_dash(test, "level") == "flip" ? "mirrored" : "turned",
                    fmt::format("{:.0f}", *turned), fmt::format("{:.0f}", *plain),
                    is_set(test, "left_out") ? "left out" : "tried"});
  }
  if (rows.empty()) return "";
  return "<p>Networks that trained without flips were shown mirrored and turned images. If they "
         "recognise few of these, the labels depend on the side:</p>\n" +
         table({"images", "recognised %", "as they are %", "recipes with it"}, rows);
}

}  // namespace

std::string screening_part(const Json& screening) {
  std::vector<Json> arms;
  for (Json& arm : objects(screening, "arms")) {
    if (finite_number(arm, "behind")) arms.push_back(std::move(arm));
  }
  std::stable_sort(arms.begin(), arms.end(), [](const Json& a, const Json& b) {
    return std::pair(is_set(a, "left_out"), *finite_number(a, "behind")) <
           std::pair(is_set(b, "left_out"), *finite_number(b, "behind"));
  });
  Rows rows;
  for (const Json& arm : arms) {
    const auto [accuracy, folds] = mean_of(arm, "accuracy", 1);
    rows.push_back({name_of(arm), std::to_string(folds), accuracy, mean_of(arm, "loss", 3).first,
                    standing_text(arm, screening.value("winner", Json()))});
  }
  std::string body;
  if (!arms.empty()) {
    const auto left_out = std::find_if(arms.begin(), arms.end(),
                                       [](const Json& arm) { return is_set(arm, "left_out"); });
    body += figure("recipes", behind_chart({arms.begin(), left_out}),
                   "By one model of all trainings: a training tells something of every recipe in "
                   "its row and its column of the grid.");
    body += table({"recipe", "folds", "accuracy %", "loss", "points behind"}, rows);
  }
  return body + worth_table(screening) + symmetry_table(screening);
}

std::string screening_sentence(const Json& screening) {
  const Json winner = screening.value("winner", Json()), why = screening.value("why", Json());
  if (!winner.is_string()) return "No recipe was chosen yet.";
  std::string title = winner.get<std::string>();
  for (const Json& arm : objects(screening, "arms")) {
    if (arm.value("name", Json()) == winner) title = name_of(arm);
  }
  return title + (why.is_string() ? ": " + why.get<std::string>() : "") + ".";
}

}  // namespace popaug
