// Whole documents around the parts of a report.
#include <fmt/format.h>

#include <cmath>

#include "popaug/report/html.h"
#include "popaug/report/internal/parts.h"
#include "popaug/report/picture.h"
#include "popaug/report/svg.h"

namespace popaug {
namespace {

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace

Json report_figures(const RunView& view) {
  Json json = {{"finished", view.finished()},
               {"metric", view.history.settings.metric},
               {"best_member", view.best_member()},
               {"best_score", number_or_null(view.best_score())},
               {"rounds", view.history.settings.rounds()},
               {"rounds_done", view.rounds_done()},
               {"epochs", view.history.settings.epochs},
               {"results", view.history.results.size()},
               {"scores", Json::array()},
               {"copies", Json::array()}};
  for (size_t member = 0; member < view.scores.size(); ++member) {
    Json row = Json::array();
    for (int round = 0; round < view.rounds_done(); ++round) {
      row.push_back(number_or_null(view.score(int(member), round)));
    }
    json["scores"].push_back(row);
  }
  for (const Decision& decision : view.history.decisions) {
    for (const Copy& copy : decision.copies) {
      json["copies"].push_back({decision.round, copy.target, copy.donor});
    }
  }
  return json;
}

Json report_json(const RunView& view) {
  Json json = {{"format", "popaug-report"}, {"version", 1}, {"run", view.name}};
  json["figures"] = report_figures(view);
  json["images_trained"] = view.images_trained();
  json["images_evaluated"] = view.images_evaluated();
  json["worker_seconds"] = view.times.trained_seconds;
  json["wall_seconds"] = view.times.wall_seconds;
  json["failed_attempts"] = view.times.failed;
  json["seed"] = view.history.settings.seed;
  json["data"] = view.history.settings.data;
  json["settings_hash"] = settings_hash(view.history.settings);
  if (view.schedule) {
    json["schedule"] = {{"epochs", view.schedule->epochs()}, {"ops", Json::array()}};
    const auto mean = summarise_over_time(*view.schedule);
    const auto exits = view.band ? band_exits(*view.schedule, *view.band) : std::vector<BandExit>{};
    for (size_t op = 0; op < mean.size(); ++op) {
      Json row = {{"op", view.schedule->space.ops[op].op},
                  {"probability", mean[op].probability},
                  {"level", mean[op].level},
                  {"images", mean[op].applied}};
      if (!exits.empty() && exits[op].known) {
        row["outside_band"] = {{"probability_above", exits[op].probability_above},
                               {"probability_below", exits[op].probability_below},
                               {"level_above", exits[op].level_above},
                               {"level_below", exits[op].level_below}};
      }
      json["schedule"]["ops"].push_back(row);
    }
  }
  if (!view.compare.is_null()) json["compare"] = view.compare;
  json["notes"] = view.notes;
  return json;
}

std::string report_html(const RunView& view) {
  return whole_page(view.name, report_main(view), report_figures(view));
}

std::string report_markdown(const RunView& view) {
  const SearchSettings& settings = view.history.settings;
  const auto plain = markdown_escape;
  std::string text = "# " + plain(view.name) + "\n\n";
  if (view.compare.is_object() && view.compare.contains("verdict") &&
      view.compare["verdict"].is_string()) {
    text += plain(view.compare["verdict"].get<std::string>()) + "\n\n";
  } else {
    text += "Whether the schedule helps is not known until it is compared on test images.\n\n";
  }
  text += fmt::format("* {}: {} {:.4f}, member {}\n", view.finished() ? "finished" : "not finished",
                      settings.metric, view.best_score(), view.best_member());
  text += fmt::format("* population {}, {} of {} rounds, {} epochs\n", settings.population,
                      view.rounds_done(), settings.rounds(), settings.epochs);
  text +=
      fmt::format("* {} images trained, {} evaluated, {} of workers' time\n", view.images_trained(),
                  view.images_evaluated(), duration_text(view.times.trained_seconds));
  text += fmt::format("* seed {}, data {}\n", settings.seed,
                      settings.data.empty() ? "none" : plain(settings.data));
  for (const std::string& note : view.notes) text += "* note: " + plain(note) + "\n";
  if (view.schedule) text += schedule_markdown(*view.schedule);
  return text;
}

}  // namespace popaug
