// popaug report: a run as a document.
#include <cstdio>
#include <memory>

#include "cli/schedule.h"
#include "cli/verbs.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

struct ReportFlags {
  std::string run, output, format = "html", data;
  bool no_images = false;
};

// `View`: of a search, or of a training.
template <typename View>
int write_report(const View& view, const ReportFlags& flags) {
  if (flags.format == "html") {
    const fs::path to =
        flags.output.empty() ? fs::path(flags.run) / "report.html" : fs::path(flags.output);
    write_file_atomic(to, report_html(view));
    std::printf("%s\n", show_path(to).c_str());
    return 0;
  }
  write_output(flags.output,
               flags.format == "md" ? report_markdown(view) : json_pretty(report_json(view)));
  return 0;
}

int report_training(const ReportFlags& flags) {
  if (flags.format == "tensorboard") {
    throw Error(show_path(flags.run) +
                " holds a training; TensorBoard events are made of searches. progress.csv has its "
                "figures");
  }
  TrainView view = load_training(flags.run);
  if (flags.format == "html" && !flags.no_images) add_images(view, flags.data);
  return write_report(view, flags);
}

int report(const ReportFlags& flags) {
  if (is_training(flags.run)) return report_training(flags);
  RunView view = load_run(flags.run);
  const bool pictures = flags.format == "html" || flags.format == "tensorboard";
  if (pictures && !flags.no_images) add_images(view, flags.data);
  if (flags.format != "tensorboard") return write_report(view, flags);
  const fs::path to =
      flags.output.empty() ? fs::path(flags.run) / "tensorboard" : fs::path(flags.output);
  write_tensorboard(view, to);
  std::printf("%s\n", show_path(to).c_str());
  return 0;
}

}  // namespace

void add_report(CLI::App& program, Action& action) {
  auto flags = std::make_shared<ReportFlags>();
  CLI::App* app = program.add_subcommand("report", "a run as one HTML file, Markdown or JSON");
  app->add_option("RUN", flags->run, "the run directory")->required();
  app->add_option("--format", flags->format, "html (default), md, json or tensorboard")
      ->check(CLI::IsMember({"html", "md", "json", "tensorboard"}));
  app->add_option("-o,--output", flags->output,
                  "file to write (default RUN/report.html; md and json: stdout), or the folder for "
                  "TensorBoard (default RUN/tensorboard)");
  app->add_option("--data", flags->data, "images to show; default: the set of the run");
  app->add_flag("--no-images", flags->no_images, "do not read the data set");
  examples(*app, {{"popaug report run", "writes run/report.html: one file, opens from disk"},
                  {"popaug report network", "the same of a training, with its test error by class"},
                  {"popaug report run --format json", "the figures behind it"},
                  {"popaug report run --format tensorboard", "events for TensorBoard"}});
  app->callback([flags, &action] { action = [flags] { return report(*flags); }; });
}

}  // namespace popaug::cli
