// popaug report: a run as a document.
#include <memory>

#include "cli/output.h"
#include "cli/verbs.h"
#include "popaug/report/report.h"

namespace popaug::cli {
namespace {

struct ReportFlags {
  std::string run, output, format = "html", data;
  bool no_images = false;
};

// `View`: of a search, a training or a comparison.
template <typename View>
int write_report(const View& view, const ReportFlags& flags) {
  if (flags.format == "html") {
    if (flags.output.empty()) {
      const fs::path to = fs::path(flags.run) / "report.html";
      write_file_atomic(to, report_html(view));
      print("{}\n", show_path(to));
      return 0;
    }
    write_output(flags.output, report_html(view));
    if (!is_standard_output(flags.output)) print("{}\n", show_path(flags.output));
    return 0;
  }
  write_output(flags.output,
               flags.format == "md" ? report_markdown(view) : json_pretty(report_json(view)));
  return 0;
}

int report_training(const ReportFlags& flags) {
  if (flags.format == "tensorboard") {
    throw Error(show_path(flags.run) +
                " contains a training, but TensorBoard events are made of searches. Its figures "
                "are in progress.csv");
  }
  TrainView view = load_training(flags.run);
  if (flags.format == "html" && !flags.no_images) add_images(view, flags.data);
  return write_report(view, flags);
}

int report_comparison(const ReportFlags& flags) {
  if (flags.format == "tensorboard") {
    throw Error(show_path(flags.run) +
                " contains a comparison, but TensorBoard events are made of searches. Its figures "
                "are in compare.json");
  }
  return write_report(load_comparison(flags.run), flags);
}

int report_screening(const ReportFlags& flags) {
  if (flags.format == "tensorboard") {
    throw Error(show_path(flags.run) +
                " contains a screening, but TensorBoard events are made of searches. Its figures "
                "are in choose.json");
  }
  ScreeningView view = load_screening(flags.run);
  if (flags.format == "html" && !flags.no_images) add_images(view, flags.data);
  return write_report(view, flags);
}

int report(const ReportFlags& flags) {
  if (is_training(flags.run)) return report_training(flags);
  if (is_comparison(flags.run)) return report_comparison(flags);
  if (is_screening(flags.run)) return report_screening(flags);
  RunView view = load_run(flags.run);
  const bool pictures = flags.format == "html" || flags.format == "tensorboard";
  if (pictures && !flags.no_images) add_images(view, flags.data);
  if (flags.format != "tensorboard") return write_report(view, flags);
  refuse_standard_output("--format tensorboard -o", flags.output);
  const fs::path to =
      flags.output.empty() ? fs::path(flags.run) / "tensorboard" : fs::path(flags.output);
  if (flags.output.empty()) make_run_folder(to);  // a link there was not made by the user
  write_tensorboard(view, to);
  print("{}\n", show_path(to));
  return 0;
}

}  // namespace

void add_report(CLI::App& program, Action& action) {
  auto flags = std::make_shared<ReportFlags>();
  CLI::App* app = program.add_subcommand("report", "A run as one HTML file, Markdown or JSON");
  app->add_option("RUN", flags->run, "The run directory")->required();
  app->add_option("--format", flags->format, "Kind of report: html, md, json or tensorboard")
      ->check(CLI::IsMember({"html", "md", "json", "tensorboard"}));
  app->add_option("-o,--output", flags->output,
                  "File to write (default RUN/report.html; md and json: stdout), or the folder for "
                  "TensorBoard (default RUN/tensorboard)");
  app->add_option("--data", flags->data, "Images to show; default: the set of the run");
  app->add_flag("--no-images", flags->no_images, "Do not read the data set");
  examples(*app, {{"popaug report run", "writes run/report.html: one file, opens from disk"},
                  {"popaug report network", "the same of a training, with its test error by class"},
                  {"popaug report chosen", "the recipes of a screening, and the network"},
                  {"popaug report comparison", "the arms of a comparison and its verdict"},
                  {"popaug report run --format json", "the figures behind it"},
                  {"popaug report run --format tensorboard", "events for TensorBoard"}});
  app->callback([flags, &action] { action = [flags] { return report(*flags); }; });
}

}  // namespace popaug::cli
