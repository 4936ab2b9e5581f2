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
  std::string checkpoint, data, split, size, device = "auto", csv, svg;
  std::string image_column, label_column;
  ReadingFlags reading;
  int batch = 128;
  bool json = false, scaled_decoding = false, allow_outside = false, keep_going = false;
};

// The split of --split; without it the test split, or the only one that there is.
const ImageSet& wanted_split(const Dataset& data, const std::string& asked) {
  if (asked.empty() && data.splits.size() == 1) return data.splits[0];
  const std::string name = asked.empty() ? "test" : asked;
  if (const ImageSet* split = data.find(name)) return *split;
  std::vector<std::string> names;
  for (const ImageSet& split : data.splits) names.push_back(split.name);
  throw UsageError(data.path + ": " + unknown_name("split", name, names));
}

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
  const fs::path path = network_file(options.checkpoint);
  const TrainingApi& api = training();
  const CheckpointInfo info = api.read_checkpoint_info(path);
  ReadOptions read;
  // Images take the size that the network was trained at.
  const Size size = options.size.empty() ? Size{info.width, info.height} : parse_size(options.size);
  read.width = size.width;
  read.height = size.height;
  read.scaled_decoding = options.scaled_decoding;
  read.allow_outside = options.allow_outside;
  read.keep_going = options.keep_going;
  options.reading.apply(info, read);
  read.image_column = options.image_column;
  read.label_column = options.label_column;
  VerbProgress progress("eval");
  const Dataset data = read_dataset(options.data, read, progress);
  std::vector<std::string> notes = data.notes;
  const ImageSet split =
      fit_to_network(wanted_split(data, options.split), data.classes,
                     {info.classes, info.channels, "the network " + show_path(path)}, &notes);
  for (const std::string& note : notes) progress.line("note: " + note);
  const Subset subset{&split, all_of(split)};
  const Evaluation evaluation =
      api.evaluate_checkpoint(path, subset, options.batch, options.device, progress);
  progress.finish();
  if (!options.csv.empty()) {
    write_output(options.csv, confusion_csv(evaluation, info.classes));
  }
  if (!options.svg.empty()) {
    write_output(options.svg, confusion_svg(evaluation, info.classes));
  }
  if (options.json) {
    print_json(evaluation_json(evaluation, info.classes));
  } else if (options.csv != "-" && options.svg != "-") {
    print("{} on {} ({})\n{}", show_path(path), data.path, split.name,
          evaluation_text(evaluation, info.classes));
  }
  return 0;
}

}  // namespace

void add_eval(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand("eval", "Evaluate a checkpoint on labelled images");
  static Options options;
  verb->add_option("checkpoint", options.checkpoint, "A checkpoint, or a run directory")
      ->required();
  verb->add_option("--data", options.data, "Labelled images")->required();
  verb->add_option("--split", options.split,
                   "Which part of the data (default: test, or the only one)");
  verb->add_option("--size", options.size, "Resize to N or WxH (default: the checkpoint's size)");
  verb->add_flag("--scaled-decoding", options.scaled_decoding,
                 "Decode JPEGs as a training with this setting does");
  verb->add_flag("--allow-outside", options.allow_outside,
                 "A manifest may name files outside its folder");
  verb->add_flag("--keep-going", options.keep_going,
                 "Leave out images that cannot be read, and name them");
  options.reading.add(*verb);
  add_column_flags(*verb, options.image_column, options.label_column);
  verb->add_option("--batch", options.batch, "Images at a time")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  verb->add_option("--device", options.device, "Where to compute: cpu, cuda, cuda:N or auto")
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
