// The parts of a report as HTML, in the order in which they are read.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "popaug/report/charts.h"
#include "popaug/report/html.h"
#include "popaug/report/run_charts.h"

namespace popaug {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) {
      word = word << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? kDigits[word >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

std::string section(const std::string& id, const std::string& title, const std::string& body) {
  return fmt::format(
      "<section id=\"{}\" aria-labelledby=\"{}-title\">\n<h2 id=\"{}-title\">{}</h2>\n"
      "{}</section>\n",
      id, id, id, html_escape(title), body);
}

std::string figure(const std::string& id, const Svg& chart, const std::string& caption) {
  // Wide charts scroll inside their frame on a narrow screen; the frame takes the keyboard.
  return fmt::format(
      "<figure id=\"{}\"><div class=\"scroll\" tabindex=\"0\" role=\"group\" "
      "aria-label=\"{}\">{}</div><figcaption>{}</figcaption></figure>\n",
      id, html_escape(caption), chart.inline_element(), html_escape(caption));
}

using Rows = std::vector<std::vector<std::string>>;

// Cells are escaped here; the first column names the row.
std::string table(const std::vector<std::string>& head, const Rows& rows) {
  std::string text = "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>";
  for (const std::string& cell : head) {
    text += "<th scope=\"col\">" + html_escape(cell) + "</th>";
  }
  text += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    text += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      text += (i == 0 ? "<th scope=\"row\">" : "<td>") + html_escape(row[i]) +
              (i == 0 ? "</th>" : "</td>");
    }
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

std::string count_text(double value) {
  if (value >= 1e9) return fmt::format("{:.2f} thousand million", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.2f} million", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.0f} thousand", value / 1e3);
  return fmt::format("{:.0f}", value);
}

std::string score_text(double score) {
  return std::isfinite(score) ? fmt::format("{:.4f}", score) : "none yet";
}

std::string text_or_dash(const Json& object, const char* key) {
  const auto at = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || at == object.end() || at->is_null()) return "–";
  if (at->is_string()) return at->get<std::string>();
  if (at->is_number_float()) return fmt::format("{:.4g}", at->get<double>());
  return json_line(*at);
}

std::string interval_text(const Json& arm) {
  const auto at = arm.find("interval");
  if (at == arm.end() || !at->is_array() || at->size() != 2 || !(*at)[0].is_number() ||
      !(*at)[1].is_number()) {
    return "–";
  }
  return fmt::format("{:.2f} to {:.2f}", (*at)[0].get<double>(), (*at)[1].get<double>());
}

std::string compared(const Json& compare) {
  std::string body;
  if (compare.contains("verdict") && compare["verdict"].is_string()) {
    body += "<p class=\"answer\">" + html_escape(compare["verdict"].get<std::string>()) + "</p>\n";
  }
  Rows rows;
  const auto arms = compare.find("arms");
  for (const Json& arm : arms != compare.end() && arms->is_array() ? *arms : Json::array()) {
    if (!arm.is_object()) continue;
    rows.push_back({text_or_dash(arm, "name"), text_or_dash(arm, "error"), interval_text(arm),
                    text_or_dash(arm, "seeds"), text_or_dash(arm, "images"),
                    text_or_dash(arm, "core_hours")});
  }
  if (!rows.empty()) {
    body += table({"arm", "test error %", "95 % interval", "seeds", "images", "core-hours"}, rows);
  }
  return body;
}

std::string state_sentence(const RunView& view) {
  const SearchSettings& settings = view.history.settings;
  if (view.finished()) {
    return fmt::format("The search is finished: member {} won with {} {}.", view.best_member(),
                       settings.metric, score_text(view.best_score()));
  }
  return fmt::format("The search is not finished: {} of {} rounds; best so far {} ({}).",
                     view.rounds_done(), settings.rounds(), score_text(view.best_score()),
                     settings.metric);
}

std::string answer(const RunView& view) {
  std::string body =
      "<p class=\"question\">Does a learned augmentation schedule help on these "
      "images?</p>\n";
  if (view.compare.is_object()) {
    body += compared(view.compare);
  } else {
    const std::string file = html_escape((view.directory / "best.schedule.json").string());
    body +=
        "<p class=\"answer\">Not known yet: a search gives a schedule, and only a comparison "
        "with the free baselines on test images gives an answer.</p>\n<p>Validation scores "
        "were selected for and are no test result. The next step: train with the schedule and "
        "with a free baseline, evaluate both on test images, and repeat with other seeds, since "
        "one proves nothing.</p>\n<pre tabindex=\"0\">popaug train --data DIR --schedule " +
        file +
        " --out with-schedule\npopaug train --data DIR --augment trivial --out with-trivial\n"
        "popaug eval --help</pre>\n";
  }
  body += "<p id=\"state\">" + html_escape(state_sentence(view)) + "</p>\n";
  for (const std::string& note : view.notes) {
    body += "<p class=\"note\">" + html_escape(note) + "</p>\n";
  }
  return section("answer", "The question and the answer", body);
}

std::string key_figures(const RunView& view) {
  const SearchSettings& settings = view.history.settings;
  int copies = 0;
  for (const Decision& decision : view.history.decisions) copies += int(decision.copies.size());
  const std::vector<std::pair<std::string, std::string>> cards = {
      {"best " + settings.metric, score_text(view.best_score())},
      {"population", std::to_string(settings.population)},
      {"rounds", fmt::format("{} of {}", view.rounds_done(), settings.rounds())},
      {"exploits", std::to_string(copies)},
      {"segments", view.schedule ? std::to_string(view.schedule->segments.size()) : "–"},
      {"images trained", count_text(double(view.images_trained()))},
  };
  std::string text = "<dl class=\"cards\">";
  for (const auto& [name, value] : cards) {
    text += "<div><dt>" + html_escape(name) + "</dt><dd>" + html_escape(value) + "</dd></div>";
  }
  return text + "</dl>\n";
}

std::string rounds_table(const RunView& view) {
  Rows rows;
  for (int round = 0; round < view.rounds_done(); ++round) {
    double best = -INFINITY, worst = INFINITY, sum = 0;
    int count = 0;
    for (size_t member = 0; member < view.scores.size(); ++member) {
      const double score = view.score(int(member), round);
      if (!std::isfinite(score)) continue;
      best = std::max(best, score);
      worst = std::min(worst, score);
      sum += score;
      ++count;
    }
    if (count == 0) continue;
    rows.push_back({std::to_string(round), std::to_string(count), score_text(best),
                    score_text(sum / count), score_text(worst)});
  }
  return "<details><summary>The same as a table</summary>" +
         table({"round", "members", "best", "mean", "worst"}, rows) + "</details>\n";
}

std::string population(const RunView& view) {
  return section("population", "The population",
                 key_figures(view) +
                     figure("scores", score_chart(view),
                            "Each line is a member; it ends where the member takes another's "
                            "weights and policy. Left and right keys move through the rounds.") +
                     "<p id=\"scores-reading\" aria-live=\"polite\"></p>\n" + rounds_table(view));
}

std::string lineage(const RunView& view) {
  if (!view.schedule || view.schedule_member < 0) return "";
  const auto steps = view.history.population.lineage(view.schedule_member);
  Rows rows;
  const int end = view.schedule->epochs();
  for (size_t i = 0; i < steps.size(); ++i) {
    const int to = i + 1 < steps.size() ? steps[i + 1].first_epoch : end;
    const auto use =
        summarise_policy(steps[i].genome.policy, view.schedule->rule, view.schedule->space);
    std::vector<size_t> order(use.size());
    for (size_t op = 0; op < order.size(); ++op) order[op] = op;
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return use[a].applied > use[b].applied; });
    std::string strongest;
    for (size_t k = 0; k < 3 && k < order.size() && use[order[k]].applied > 0; ++k) {
      strongest += (k ? ", " : "") + view.schedule->space.ops[order[k]].op +
                   fmt::format(" {:.2f} x {:.1f}", use[order[k]].probability, use[order[k]].level);
    }
    std::string genes;
    for (const auto& [name, value] : steps[i].genome.genes) {
      genes += (genes.empty() ? "" : ", ") + name + " " + fmt::format("{:.4g}", value);
    }
    rows.push_back({std::to_string(i + 1), std::to_string(steps[i].member),
                    fmt::format("{} to {}", steps[i].first_epoch, to - 1),
                    strongest.empty() ? "no op" : strongest, genes.empty() ? "–" : genes});
  }
  return section(
      "lineage", view.finished() ? "The winner's lineage" : "The lineage of the best so far",
      table({"step", "member", "epochs", "strongest ops (probability x level)", "genes"}, rows));
}

std::string schedule(const RunView& view) {
  if (!view.schedule) return "";
  const BandView* band = view.band ? &*view.band : nullptr;
  std::string body;
  if (!band) {
    body +=
        "<p class=\"note\">No drift band stands beside this run, so nothing here shows that "
        "selection made these curves: mutation alone makes them rise as well. <code>popaug "
        "search --selection none --trainer none</code> makes one; put its drift.band.json into "
        "the run directory.</p>\n";
  }
  body += figure("heat-probability", heat_chart(*view.schedule, HeatValue::kProbability, band),
                 "Probability of each op over time, strongest op first.");
  body += figure("heat-level", heat_chart(*view.schedule, HeatValue::kLevel, band),
                 "Level of each op over time.");
  body += figure("shares", share_chart(*view.schedule),
                 "How many ops an image gets on average, exactly, under the rule.");
  if (band) {
    double outside = 0;
    int known = 0;
    for (const BandExit& exit : leave_band(*view.schedule, *band)) {
      if (!exit.known) continue;
      ++known;
      outside +=
          exit.probability_above + exit.probability_below + exit.level_above + exit.level_below;
    }
    body += fmt::format(
        "<p>The schedule's curves spend {:.1f} % of their time outside the band of {} lineages "
        "under mutation alone; 5 % are expected without any selection.</p>\n",
        known ? 100 * outside / (2 * known) : 0, band->lineages);
    body += figure("band-probability", band_chart(*view.schedule, *band, HeatValue::kProbability),
                   "Probability of each op against mutation alone.");
    body += figure("band-level", band_chart(*view.schedule, *band, HeatValue::kLevel),
                   "Level of each op against mutation alone.");
  }
  return section("schedule", view.finished() ? "The schedule" : "The schedule so far", body);
}

std::string png(const std::string& bytes, const std::string& words) {
  return "<img class=\"sample\" alt=\"" + html_escape(words) + "\" src=\"data:image/png;base64," +
         base64(bytes) + "\">";
}

std::string images(const RunView& view) {
  if (view.images.empty()) return "";
  std::string body =
      "<div class=\"scroll\" tabindex=\"0\"><table class=\"samples\"><thead><tr><th "
      "scope=\"col\">class</th><th scope=\"col\">original</th>";
  for (const int moment : view.moments) {
    body += fmt::format("<th scope=\"col\">epoch {}</th>", moment);
  }
  body += "</tr></thead><tbody>\n";
  for (const AugmentedRow& row : view.images) {
    body += "<tr><th scope=\"row\">" + html_escape(row.label) + "</th><td>" +
            png(row.original, row.label) + "</td>";
    for (const std::string& stage : row.stages) {
      body += "<td>" + png(stage, row.label + ", augmented") + "</td>";
    }
    body += "</tr>\n";
  }
  return section("images", "Your images under the schedule",
                 body +
                     "</tbody></table></div>\n<p>Holes (uncovered pixels) are transparent: in "
                     "training they are the mean colour.</p>\n");
}

std::string cost(const RunView& view) {
  const double hours = view.times.trained_seconds / 3600;
  const std::string dash = "–";
  const Rows rows = {
      {"this search", std::to_string(view.history.settings.population),
       count_text(double(view.images_trained())), count_text(double(view.images_evaluated())),
       view.times.trained_seconds > 0 ? fmt::format("{:.2f} core-hours of workers", hours) : dash},
      {"PBA on CIFAR-10, as published", "16", "12.7 million", "147 million", "5 Titan XP hours"},
      {"PBA on SVHN, as published", "16", dash, dash, "1 Titan XP hour"},
      {"AutoAugment on CIFAR-10, as published", "15,000", dash, dash, "5,000 P100 hours"},
      {"AutoAugment on SVHN, as published", "15,000", dash, dash, "1,000 P100 hours"},
  };
  return section("cost", "What it cost",
                 table({"search", "networks", "images trained", "images evaluated", "time"}, rows) +
                     "<p>Published figures: Ho et al., arXiv 1905.05393, and the settings of the "
                     "published code.</p>\n");
}

std::string times(const RunView& view) {
  const RunTimes& times = view.times;
  if (times.sessions == 0) return "";
  Rows rows;
  for (const auto& [worker, seconds] : times.by_worker) {
    const double share = times.wall_seconds > 0 ? 100 * seconds / times.wall_seconds : 0;
    rows.push_back({worker, duration_text(seconds), fmt::format("{:.0f} %", share)});
  }
  std::string body = fmt::format(
      "<p>{} of wall clock in {} session{}, {} of accepted rounds, {} failed attempt{}.</p>\n",
      duration_text(times.wall_seconds), times.sessions, times.sessions == 1 ? "" : "s",
      duration_text(times.trained_seconds), times.failed, times.failed == 1 ? "" : "s");
  body += figure("round-times", time_chart(view), "Where the time went, round by round.");
  return section("times", "Where the time went",
                 body + table({"worker", "time in rounds", "share of the wall clock"}, rows));
}

void flattened_rows(const Json& object, const std::string& prefix, Rows& rows) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = prefix.empty() ? key : prefix + "." + key;
    if (value.is_object()) {
      flattened_rows(value, name, rows);
    } else {
      rows.push_back(
          {name, value.is_string() ? value.get<std::string>() : json_line(value).substr(0, 200)});
    }
  }
}

std::string settings(const RunView& view) {
  const SearchSettings& settings = view.history.settings;
  Rows rows = {{"seed", std::to_string(settings.seed)},
               {"data fingerprint", settings.data.empty() ? "–" : settings.data},
               {"settings hash", settings_hash(settings)},
               {"selection", selection_name(settings.selection)},
               {"space", settings.space.name}};
  if (settings.provenance.is_object()) flattened_rows(settings.provenance, "provenance", rows);
  if (view.result.is_object()) flattened_rows(view.result, "result", rows);
  std::string body = table({"what", "value"}, rows);
  body += "<p>The same search again, to the same bytes: <code>popaug search --config " +
          html_escape((view.directory / "config.toml").string()) + " --out NEW-RUN</code></p>\n";
  if (!view.config.empty()) {
    body += "<details><summary>config.toml</summary><pre tabindex=\"0\">" +
            html_escape(view.config) + "</pre></details>\n";
  }
  return section("settings", "Settings, versions, seeds", body);
}

}  // namespace

std::string report_main(const RunView& view) {
  return answer(view) + population(view) + schedule(view) + lineage(view) + images(view) +
         cost(view) + times(view) + settings(view);
}

}  // namespace popaug
