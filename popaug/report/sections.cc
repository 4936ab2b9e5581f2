// The parts of a report as HTML, in the order in which they are read.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "popaug/report/html.h"
#include "popaug/report/internal/charts.h"
#include "popaug/report/internal/parts.h"
#include "popaug/report/internal/run_charts.h"

namespace popaug {
namespace {

std::string score_text(double score) {
  return std::isfinite(score) ? fmt::format("{:.4f}", score) : "none yet";
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

// The next command meets the ops of the plugin that config.toml names.
std::string plugin_flag(const std::string& config) {
  try {
    const Json settings = parse_toml(config, "config.toml");
    const std::string plugin = settings.at("augment").at("plugin").get<std::string>();
    return plugin.empty() ? "" : " --plugin " + shell_path(plugin);
  } catch (const std::exception&) {  // a config of another program, or none
    return "";
  }
}

std::string answer(const RunView& view) {
  std::string body =
      "<p class=\"question\">Does a learned augmentation schedule help on these "
      "images?</p>\n";
  if (view.compare.is_object()) {
    body += comparison_part(view.compare);
  } else {
    body +=
        "<p class=\"answer\">Not known yet: a search gives a schedule, and only a comparison "
        "with the free baselines on test images gives an answer.</p>\n<p>Validation scores "
        "were selected for and are not a test result. The next step trains with the schedule and "
        "with the free baselines, several times each, and judges them on test images:</p>\n"
        "<pre tabindex=\"0\">popaug compare --config " +
        html_escape(shell_path(view.directory / "config.toml") + " --run " +
                    shell_path(view.directory) + plugin_flag(view.config)) +
        "</pre>\n";
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
  const DriftBand* band = view.band ? &*view.band : nullptr;
  std::string body;
  if (!band) {
    body +=
        "<p class=\"note\">There is no drift band beside this run, so nothing here shows that "
        "selection made these curves: mutation alone makes them rise as well. <code>popaug "
        "search --selection none --trainer none</code> makes one; put its drift.band.json into "
        "the run directory.</p>\n";
  }
  body += around_the_ops(*view.schedule);
  body += figure("heat-probability", heat_chart(*view.schedule, HeatValue::kProbability, band),
                 "Probability of each op over time, strongest op first.");
  body += figure("heat-level", heat_chart(*view.schedule, HeatValue::kLevel, band),
                 "Level of each op over time.");
  body += figure("shares", share_chart(*view.schedule),
                 "How many ops an image gets on average, exactly, under the rule.");
  if (band) {
    double outside = 0;
    int known = 0;
    for (const BandExit& exit : band_exits(*view.schedule, *band)) {
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
  body += figure("round-times", time_chart(times.by_round, "round"),
                 "Where the time went, round by round.");
  return section("times", "Where the time went",
                 body + table({"worker", "time in rounds", "share of the wall clock"}, rows));
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
          html_escape(shell_path(view.directory / "config.toml")) + " --out NEW-RUN</code></p>\n";
  body += config_part(view.config);
  return section("settings", "Settings, versions, seeds", body);
}

}  // namespace

std::string report_main(const RunView& view) {
  return answer(view) + population(view) + schedule(view) + lineage(view) +
         samples_section(view.samples) + cost(view) + times(view) + settings(view);
}

}  // namespace popaug
