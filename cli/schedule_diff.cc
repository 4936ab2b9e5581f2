// popaug schedule diff: two schedules, or a schedule and the drift band.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "cli/schedule.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

struct DiffFlags {
  std::string first, second, band, picture;
  bool json = false;
};

Json band_diff(const Schedule& schedule, const DriftBand& band) {
  Json json = {{"lineages", band.lineages}, {"ops", Json::array()}};
  double outside = 0;
  int known = 0;
  for (const BandExit& exit : band_exits(schedule, band)) {
    Json row = {{"op", exit.op}, {"in_band", exit.known}};
    if (exit.known) {
      ++known;
      outside +=
          exit.probability_above + exit.probability_below + exit.level_above + exit.level_below;
      row["probability_above"] = exit.probability_above;
      row["probability_below"] = exit.probability_below;
      row["level_above"] = exit.level_above;
      row["level_below"] = exit.level_below;
    }
    json["ops"].push_back(row);
  }
  json["share_outside"] = known ? outside / (2 * known) : 0;
  return json;
}

std::string band_text(const Schedule& schedule, const Json& diff) {
  std::string text = fmt::format(
      "{} against the band of {} lineages under mutation alone: share of the epochs that each "
      "curve spends outside\n{:<16} {:>18} {:>18}\n{:<16} {:>9}{:>9} {:>9}{:>9}\n",
      schedule.name, diff["lineages"].get<int>(), "", "probability", "level", "op", "above",
      "below", "above", "below");
  for (const Json& row : diff["ops"]) {
    if (!row["in_band"].get<bool>()) {
      text += fmt::format("{:<16} not in the band\n", row["op"].get<std::string>());
      continue;
    }
    text += fmt::format("{:<16}", row["op"].get<std::string>());
    for (const char* key :
         {"probability_above", "probability_below", "level_above", "level_below"}) {
      text += fmt::format(" {:>8.0f}%", 100 * row[key].get<double>());
    }
    text += "\n";
  }
  const double share = diff["share_outside"].get<double>();
  text += fmt::format(
      "outside in all: {:.1f} % of curves and epochs; 5 % are expected of a lineage that no "
      "selection touched\n",
      100 * share);
  return text;
}

Json schedule_diff(const Schedule& a, const Schedule& b) {
  const ScheduleDistance distance = schedule_distance(a, b);
  Json json = {{"total_variation", distance.total_variation},
               {"use_distance", distance.use},
               {"epochs", distance.epochs},
               {"ops", Json::array()}};
  const auto in_a = summarise_over_time(a), in_b = summarise_over_time(b);
  for (size_t op = 0; op < a.space.ops.size(); ++op) {
    json["ops"].push_back({{"op", a.space.ops[op].op},
                           {"probability", {in_a[op].probability, in_b[op].probability}},
                           {"level", {in_a[op].level, in_b[op].level}},
                           {"images", {in_a[op].applied, in_b[op].applied}}});
  }
  return json;
}

std::string diff_text(const Schedule& a, const Schedule& b, const Json& diff) {
  std::string text = fmt::format(
      "{} and {}, over {} epochs\ndistance of what an image gets: {:.3f} (0 the same, 1 nothing in "
      "common)\ndistance of how ops are used: {:.3f} applications per image\n\n{:<16} {:>15} "
      "{:>13} {:>17}\n",
      a.name, b.name, diff["epochs"].get<int>(), diff["total_variation"].get<double>(),
      diff["use_distance"].get<double>(), "op", "probability", "level", "ops per image");
  for (const Json& row : diff["ops"]) {
    text += fmt::format("{:<16} {:>6.2f} > {:>5.2f} {:>5.1f} > {:>5.1f} {:>7.3f} > {:>6.3f}\n",
                        row["op"].get<std::string>(), row["probability"][0].get<double>(),
                        row["probability"][1].get<double>(), row["level"][0].get<double>(),
                        row["level"][1].get<double>(), row["images"][0].get<double>(),
                        row["images"][1].get<double>());
  }
  return text;
}

void print_figures(bool as_json, const Json& json, const std::string& text) {
  if (as_json) {
    print_json(json);
  } else {
    print_text(text);
  }
}

int diff(const DiffFlags& flags) {
  const Schedule a = schedule_argument(flags.first);
  if (flags.second.empty() == flags.band.empty()) {
    throw UsageError("schedule diff compares with one thing: a second schedule or --band FILE");
  }
  if (!flags.picture.empty() && flags.band.empty()) throw UsageError("--picture needs --band");
  if (flags.json && flags.picture == "-") {
    throw UsageError("--json and --picture -: only one of them can take standard output");
  }
  if (!flags.band.empty()) {
    const DriftBand band = load_band(flags.band);
    const Json json = band_diff(a, band);
    if (flags.picture != "-") print_figures(flags.json, json, band_text(a, json));
    if (!flags.picture.empty()) write_output(flags.picture, band_svg(a, band));
    return 0;
  }
  const Schedule b = schedule_argument(flags.second);
  const Json json = schedule_diff(a, b);
  print_figures(flags.json, json, diff_text(a, b, json));
  return 0;
}

}  // namespace

void add_schedule_diff(CLI::App& verb, Action& action) {
  auto flags = std::make_shared<DiffFlags>();
  CLI::App* app = verb.add_subcommand(
      "diff", "How far two schedules are apart, or where one leaves the drift band");
  app->add_option("SCHEDULE", flags->first, "File, shipped name or baseline")->required();
  app->add_option("OTHER", flags->second, "Another, over the same ops and levels");
  app->add_option("--band", flags->band,
                  "A drift band, drift.band.json, from search --selection none");
  app->add_option("--picture", flags->picture, "With --band: an SVG of the curves over the band");
  app->add_flag("--json", flags->json, "Figures for a program");
  examples(*app, {{"popaug schedule diff a.schedule.json b.schedule.json", "expected distances"},
                  {"popaug schedule diff rcifar10-paper --band drift.band.json --picture d.svg",
                   "what mutation alone does not explain"}});
  app->callback([flags, &action] { action = [flags] { return diff(*flags); }; });
}

}  // namespace popaug::cli
