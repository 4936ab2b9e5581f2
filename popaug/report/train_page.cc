// The report of a single training.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "popaug/report/html.h"
#include "popaug/report/internal/charts.h"
#include "popaug/report/internal/parts.h"
#include "popaug/report/internal/run_charts.h"
#include "popaug/report/train_view.h"

namespace popaug {
namespace {

std::string percent(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number() ? fmt::format("{:.2f}", 100 * at->get<double>())
                                               : "–";
}

bool evaluated(const TrainView& view) {
  return view.evaluation.is_object() && view.evaluation.contains("error");
}

std::string state_sentence(const TrainView& view) {
  const size_t done = view.train_loss.size();
  if (view.finished()) return fmt::format("The training is finished: {} epochs.", done);
  return fmt::format("The training is not finished: {} of {} epochs.", done,
                     view.schedule ? std::to_string(view.schedule->epochs()) : "an unknown number");
}

std::string answer_sentence(const TrainView& view) {
  if (!evaluated(view)) return "Not measured yet: it was not evaluated on test images.";
  const Json& test = view.evaluation;
  return fmt::format("{} % of {} test images are labelled wrongly (95 % interval {} to {} %).",
                     percent(test, "error"), text_or_dash(test, "images"),
                     percent(test, "error_low"), percent(test, "error_high"));
}

std::string class_table(const Json& evaluation) {
  Rows rows;
  const auto classes = evaluation.find("classes");
  if (classes == evaluation.end() || !classes->is_array()) return "";
  for (const Json& one : *classes) {
    if (!one.is_object()) continue;
    rows.push_back({text_or_dash(one, "class"), text_or_dash(one, "images"),
                    text_or_dash(one, "wrong"), percent(one, "error"),
                    percent(one, "error_low") + " to " + percent(one, "error_high")});
  }
  if (rows.empty()) return "";
  return "<details open><summary>By class</summary>" +
         table({"class", "test images", "wrong", "error %", "95 % interval"}, rows) +
         "</details>\n";
}

std::string answer(const TrainView& view) {
  std::string body =
      "<p class=\"question\">How good is this network on images that it has not seen?</p>\n"
      "<p class=\"answer\">" +
      html_escape(answer_sentence(view)) + "</p>\n";
  if (evaluated(view)) {
    body += class_table(view.evaluation);
  } else {
    const std::string folder = html_escape(shell_path(view.directory));
    const std::string file = html_escape(shell_path(view.directory / "eval.json"));
    body += "<p>The next step:</p>\n<pre tabindex=\"0\">popaug eval " + folder +
            " --data DIR --json &gt; " + file + "\npopaug report " + folder + "</pre>\n";
  }
  body +=
      "<p>One training does not show whether its augmentation helped: <code>popaug "
      "compare</code> does.</p>\n<p id=\"state\">" +
      html_escape(state_sentence(view)) + "</p>\n";
  for (const std::string& note : view.notes) {
    body += "<p class=\"note\">" + html_escape(note) + "</p>\n";
  }
  return section("answer", "The question and the answer", body);
}

// Values over epochs; those that are not known leave no point.
Svg curve_chart(const std::string& title, const std::vector<double>& values) {
  constexpr double kWidth = 860, kHeight = 220, kLeft = 64, kRight = 16, kTop = 30, kBottom = 30;
  Svg svg(kWidth, kHeight, title);
  double low = INFINITY, high = -INFINITY;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  svg.text(kLeft, 16, title, "title");
  if (!(low <= high)) return svg;
  const double margin = std::max((high - low) * 0.05, 1e-6);
  low -= margin;
  high += margin;
  const double width = kWidth - kLeft - kRight, height = kHeight - kTop - kBottom;
  const double last = std::max<double>(1, double(values.size()));
  const auto x = [&](double epoch) { return kLeft + width * epoch / last; };
  const auto y = [&](double value) { return kTop + height * (high - value) / (high - low); };
  for (const double value : round_ticks(low, high, 5)) {
    svg.line(kLeft, y(value), kLeft + width, y(value), "grid");
    svg.text(kLeft - 6, y(value) + 4, number_text(value), "label small", "end");
  }
  for (const double epoch : whole_ticks(last, 6)) {
    svg.text(x(epoch), kTop + height + 14, number_text(epoch), "label small", "middle");
  }
  std::vector<std::pair<double, double>> points;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) points.emplace_back(x(double(i + 1)), y(values[i]));
  }
  svg.polyline(points, "lineage");
  if (points.size() <= 80) {
    for (const auto& [at, value] : points) svg.circle(at, value, 2.5, "lineage-dot");
  }
  return svg;
}

bool any(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

std::string learning(const TrainView& view) {
  if (view.train_loss.empty()) return "";
  std::string body = figure("loss", curve_chart("training loss by epoch", view.train_loss),
                            "Mean loss of each epoch, on augmented images.");
  if (any(view.validation_accuracy)) {
    body +=
        figure("accuracy", curve_chart("validation accuracy by epoch", view.validation_accuracy),
               "On the validation images, not augmented.");
  }
  Rows rows;
  const auto text = [](double value) {
    return std::isfinite(value) ? fmt::format("{:.4f}", value) : std::string("–");
  };
  for (size_t i = 0; i < view.train_loss.size(); ++i) {
    rows.push_back({std::to_string(i + 1), text(view.train_loss[i]), text(view.validation_loss[i]),
                    text(view.validation_accuracy[i])});
  }
  return section(
      "learning", "How it learned",
      body + "<details><summary>The same as a table</summary>" +
          table({"epoch", "training loss", "validation loss", "validation accuracy"}, rows) +
          "</details>\n");
}

std::string schedule(const TrainView& view) {
  if (!view.schedule) return "";
  return section(
      "schedule", "The augmentation that it trained with",
      "<p>" + html_escape(view.schedule->name) + "</p>\n" + around_the_ops(*view.schedule) +
          figure("heat-probability", heat_chart(*view.schedule, HeatValue::kProbability, nullptr),
                 "Probability of each op over time, strongest op first.") +
          figure("heat-level", heat_chart(*view.schedule, HeatValue::kLevel, nullptr),
                 "Level of each op over time.") +
          figure("shares", share_chart(*view.schedule),
                 "How many ops an image gets on average, exactly, under the rule."));
}

std::string screening(const TrainView& view) {
  if (!view.screening.is_object()) return "";
  return section("screening", "How the augmentation was chosen",
                 "<p>" + html_escape(screening_sentence(view.screening)) + "</p>\n" +
                     screening_part(view.screening));
}

std::string cost(const TrainView& view) {
  if (view.seconds.empty()) return "";
  const auto images = [](const Json& from) -> std::string {
    const Json count = from.is_object() ? from.value("images_trained", Json()) : Json();
    return count.is_number() ? count_text(count.get<double>()) + " images trained" : "";
  };
  const std::string own = images(view.result), before = images(view.screening);
  std::string body = "<p>" + (own.empty() ? "" : own + " in ") +
                     duration_text(view.total_seconds()) + " of epochs.";
  if (!before.empty()) body += " The screening before: " + before + ".";
  return section("times", "What it cost and where the time went",
                 body + "</p>\n" +
                     figure("epoch-times", time_chart(view.seconds, "epoch", 1),
                            "Seconds of each epoch, evaluation included."));
}

std::string settings(const TrainView& view) {
  Rows rows;
  if (view.result.is_object()) flattened_rows(view.result, "", rows);
  const std::string again =
      view.screening.is_object() ? "popaug choose --config " : "popaug train --config ";
  return section("settings", "Settings, versions, seeds",
                 (rows.empty() ? "" : table({"what", "value"}, rows)) +
                     "<p>The same training again: <code>" + again +
                     html_escape(shell_path(view.directory / "config.toml")) +
                     " --out NEW-RUN</code></p>\n" + config_part(view.config));
}

Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) {
    list.push_back(std::isfinite(value) ? Json(value) : Json(nullptr));
  }
  return list;
}

}  // namespace

Json report_json(const TrainView& view) {
  Json json = {{"format", "popaug-report"},
               {"version", 1},
               {"kind", "train"},
               {"run", view.name},
               {"finished", view.finished()},
               {"epochs", view.train_loss.size()},
               {"train_loss", numbers(view.train_loss)},
               {"validation_loss", numbers(view.validation_loss)},
               {"validation_accuracy", numbers(view.validation_accuracy)},
               {"seconds", numbers(view.seconds)},
               {"result", view.result},
               {"evaluation", view.evaluation},
               {"notes", view.notes}};
  if (view.schedule) json["schedule"] = view.schedule->name;
  if (view.screening.is_object()) json["screening"] = view.screening;
  return json;
}

std::string report_html(const TrainView& view) {
  const std::string main = answer(view) + screening(view) + learning(view) + schedule(view) +
                           samples_section(view.samples) + cost(view) + settings(view);
  return whole_page(view.name, main);
}

std::string report_markdown(const TrainView& view) {
  std::string text = "# " + markdown_escape(view.name) + "\n\n" + answer_sentence(view) + " " +
                     state_sentence(view) + "\n\n";
  if (!view.train_loss.empty()) {
    text += fmt::format("* last training loss {:.4f}\n", view.train_loss.back());
  }
  if (any(view.validation_accuracy)) {
    text += fmt::format("* last validation accuracy {:.4f}\n", view.validation_accuracy.back());
  }
  text += "* " + duration_text(view.total_seconds()) + " of epochs\n";
  for (const std::string& note : view.notes) text += "* note: " + markdown_escape(note) + "\n";
  if (view.schedule) text += schedule_markdown(*view.schedule);
  return text;
}

}  // namespace popaug
