// popaug schedule show, plot, validate.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "cli/schedule.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 100;
}

struct ShowFlags {
  std::string schedule, colour = "auto";
  int width = 0;
  bool json = false, table = false;
};

bool wants_colour(const std::string& flag) {
  if (flag != "auto") return flag == "always";
  return isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
}

Json show_json(const Schedule& schedule) {
  Json json = {{"name", schedule.name},
               {"epochs", schedule.epochs()},
               {"space", schedule.space.name},
               {"rule", rule_to_json(schedule.rule)},
               {"base", base_to_json(schedule.base)},
               {"provenance", schedule.provenance},
               {"segments", Json::array()},
               {"ops", Json::array()}};
  for (const Segment& segment : schedule.segments) {
    json["segments"].push_back(segment.epochs);
    // What a segment has of its own; null: that of the schedule.
    json["base_by_segment"].push_back(segment.base ? base_to_json(*segment.base) : Json());
    json["space_by_segment"].push_back(segment.space ? space_to_json(*segment.space) : Json());
  }
  const auto mean = summarise_over_time(schedule);
  const auto segments = summarise_schedule(schedule);
  for (size_t op = 0; op < mean.size(); ++op) {
    Json row = {{"op", schedule.space.ops[op].op},
                {"probability", mean[op].probability},
                {"level", mean[op].level},
                {"images", mean[op].applied},
                {"by_segment", Json::array()}};
    for (const auto& segment : segments) {
      row["by_segment"].push_back({{"probability", segment[op].probability},
                                   {"level", segment[op].level},
                                   {"images", segment[op].applied}});
    }
    json["ops"].push_back(row);
  }
  return json;
}

int show(const ShowFlags& flags) {
  const Schedule schedule = schedule_argument(flags.schedule);
  if (flags.json) {
    print_json(show_json(schedule));
    return 0;
  }
  const int width = flags.width > 0 ? flags.width : terminal_width();
  print_coloured(terminal_picture(schedule, wants_colour(flags.colour), width));
  std::string text = "\n" + schedule_table(schedule, width >= 130 ? 8 : width >= 100 ? 5 : 3);
  text += "\nbase transforms: " + base_words(schedule) + "\n";
  if (const std::string values = value_words(schedule); !values.empty()) {
    text += "value of the highest level, by segment: " + values + "\n";
  }
  if (!schedule.provenance.empty()) {
    text += "provenance:\n";
    for (const auto& [key, value] : schedule.provenance.items()) {
      text += "  " + key + ": " +
              (value.is_string() ? value.get<std::string>() : json_line(value)) + "\n";
    }
  }
  print_text(text);
  return 0;
}

struct PlotFlags {
  std::string schedule, output, band;
  bool curves = false;
  double zoom = 2;
};

int plot(const PlotFlags& flags) {
  const Schedule schedule = schedule_argument(flags.schedule);
  if (flags.curves && flags.band.empty()) throw UsageError("--curves needs --band FILE");
  std::string picture;
  if (flags.band.empty()) {
    picture = schedule_svg(schedule);
  } else {
    const DriftBand band = load_band(flags.band);
    picture = flags.curves ? band_svg(schedule, band) : schedule_svg(schedule, &band);
  }
  if (flags.output.ends_with(".png")) {
    write_binary_output(flags.output, svg_to_png(picture, flags.zoom));
  } else if (is_standard_output(flags.output) || flags.output.ends_with(".svg")) {
    write_output(flags.output, picture);
  } else {
    throw UsageError(quote(flags.output) + " is neither .svg nor .png, which plot writes");
  }
  return 0;
}

int validate(const std::vector<std::string>& files) {
  int faults = 0;
  for (const std::string& file : files) {
    try {
      const Schedule schedule = load_schedule(file);
      print("{}: {} epochs, {} segments, space {}\n", show_path(file), schedule.epochs(),
            schedule.segments.size(), schedule.space.name);
    } catch (const Error& error) {
      ++faults;
      print_note("popaug", error.what());
    }
  }
  return faults == 0 ? 0 : 1;
}

}  // namespace

void add_schedule_show(CLI::App& verb, Action& action) {
  auto flags = std::make_shared<ShowFlags>();
  CLI::App* app = verb.add_subcommand("show", "A picture and a table for the terminal");
  app->add_option("SCHEDULE", flags->schedule, "File, shipped name or baseline")->required();
  app->add_option("--colour,--color", flags->colour, "When to colour: auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app->add_option("--width", flags->width, "Columns; default: the terminal's")
      ->check(CLI::Range(50, 1000));
  app->add_flag("--json", flags->json, "Figures for a program");
  examples(*app, {{"popaug schedule show rcifar10-paper", "the strongest ops first"},
                  {"popaug schedule show trivial --json", "a baseline, as JSON"}});
  app->callback([flags, &action] { action = [flags] { return show(*flags); }; });

  auto plots = std::make_shared<PlotFlags>();
  app = verb.add_subcommand("plot", "Heat maps and expected shares as SVG or PNG");
  app->add_option("SCHEDULE", plots->schedule, "File, shipped name or baseline")->required();
  app->add_option("-o,--output", plots->output,
                  "File to write, *.svg or *.png; default: SVG to stdout");
  app->add_option("--band", plots->band, "Drift band: cells outside it are outlined");
  app->add_flag("--curves", plots->curves, "Each op's curves over the band instead");
  app->add_option("--zoom", plots->zoom, "Scale of a PNG")->check(CLI::Range(0.1, 20.0));
  examples(*app, {{"popaug schedule plot rcifar10-paper -o schedule.svg", "for documents"},
                  {"popaug schedule plot rcifar10-paper -o schedule.png --zoom 3", "for slides"},
                  {"popaug schedule plot best.schedule.json --band drift.band.json -o s.svg",
                   "what mutation alone does not explain is outlined"}});
  app->callback([plots, &action] { action = [plots] { return plot(*plots); }; });

  auto files = std::make_shared<std::vector<std::string>>();
  app = verb.add_subcommand("validate", "Check files; exit 1 if one is not a valid schedule");
  app->add_option("FILES", *files, "Schedule files")->required();
  examples(*app, {{"popaug schedule validate *.schedule.json", "a line per file"}});
  app->callback([files, &action] { action = [files] { return validate(*files); }; });
}

}  // namespace popaug::cli
