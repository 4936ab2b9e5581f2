// popaug eval: the error of a checkpoint, with its uncertainty.
#include <fmt/format.h>

#include "cli/data.h"
#include "cli/evaluation.h"
#include "cli/output.h"
#include "cli/settings_flags.h"
#include "cli/verbs.h"
#include "popaug/experiment/experiment.h"

namespace popaug::cli {
namespace {

struct Options {
  EvaluationRequest request;
  ReadingFlags reading;
  std::string csv, svg;
  bool json = false;
};

// Throws UsageError where two things would go to standard output.
void check_outputs(const Options& options) {
  const bool csv = options.csv == "-", svg = options.svg == "-";
  if (csv + svg + options.json > 1) {
    throw UsageError(
        "--json, --confusion-csv - and --confusion-svg -: only one of them can take "
        "standard output");
  }
}

int evaluate(const Options& options) {
  check_outputs(options);
  EvaluationRequest request = options.request;
  request.fit = options.reading.fit;
  request.range = options.reading.range;
  request.background = options.reading.background;
  VerbProgress progress("eval");
  const EvaluatedNetwork found = evaluate_network(request, progress);
  progress.finish();
  const Evaluation& evaluation = found.evaluation;
  const std::vector<std::string>& classes = found.network.classes;
  if (!options.csv.empty()) write_output(options.csv, confusion_csv(evaluation, classes));
  if (!options.svg.empty()) write_output(options.svg, confusion_svg(evaluation, classes));
  if (options.json) {
    print_json(evaluation_json(evaluation, classes));
  } else if (options.csv != "-" && options.svg != "-") {
    print("{} on {} ({})\n{}", show_path(found.checkpoint), found.data, found.split,
          evaluation_text(evaluation, classes));
  }
  return 0;
}

}  // namespace

void add_eval(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand("eval", "Evaluate a checkpoint on labelled images");
  static Options options;
  options.request.batch = 128;
  verb->add_option("checkpoint", options.request.network, "A checkpoint, or a run directory")
      ->required();
  verb->add_option("--data", options.request.data, "Labelled images")->required();
  verb->add_option("--split", options.request.split,
                   "Which part of the data (default: test, or the only one)");
  verb->add_option("--size", options.request.size,
                   "Resize to N or WxH (default: the checkpoint's size)");
  verb->add_flag("--scaled-decoding", options.request.scaled_decoding,
                 "Decode JPEGs as a training with this setting does");
  verb->add_flag("--allow-outside", options.request.allow_outside,
                 "A manifest may name files outside its folder");
  verb->add_flag("--keep-going", options.request.keep_going,
                 "Leave out images that cannot be read, and name them");
  options.reading.add(*verb);
  add_column_flags(*verb, options.request.image_column, options.request.label_column);
  verb->add_option("--batch", options.request.batch, "Images at a time")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  verb->add_option("--device", options.request.device,
                   "Where to compute: cpu, cuda, cuda:N or auto")
      ->capture_default_str();
  verb->add_option("--confusion-csv", options.csv, "Write the confusion matrix as CSV");
  verb->add_option("--confusion-svg", options.svg, "Write the confusion matrix as SVG");
  verb->add_flag("--json", options.json, "Print JSON");
  examples(*verb, {{"popaug eval network --data photos", "the error on photos/test, per class"},
                   {"popaug eval run/best.safetensors --data photos --split val --json",
                    "a search's best member on the validation split, as JSON"},
                   {"popaug eval network --data photos --confusion-svg confusion.svg",
                    "with a picture of which classes are confused"}});
  verb->callback([&action] { action = [] { return evaluate(options); }; });
}

}  // namespace popaug::cli
