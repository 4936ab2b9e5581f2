// popaug eval: the error of a checkpoint, with its uncertainty.
#include <fmt/format.h>

#include "cli/evaluation.h"
#include "cli/inputs.h"
#include "cli/training.h"
#include "cli/verbs.h"

namespace popaug::cli {
namespace {

struct Options {
  std::string checkpoint, data, split = "test", size, device = "auto", csv, svg;
  int batch = 128;
  bool json = false, scaled_decoding = false;
};

// A checkpoint file, or the best of a run directory.
fs::path checkpoint_path(const std::string& name) {
  const fs::path path = name;
  return fs::is_directory(path) ? path / "best.safetensors" : path;
}

const Split& wanted_split(const Dataset& data, const std::string& name) {
  if (const Split* split = data.find(name)) return *split;
  std::vector<std::string> names;
  for (const Split& split : data.splits) names.push_back(split.name);
  throw UsageError(data.path + ": " + unknown_name("split", name, names));
}

void check_classes(const CheckpointInfo& info, const Dataset& data, const fs::path& path) {
  if (info.classes == data.classes) return;
  throw Error(show_path(path) + " was trained on the classes " + join(info.classes, ", ") +
              ", but " + data.path + " has " + join(data.classes, ", "));
}

int evaluate(const Options& options) {
  const fs::path path = checkpoint_path(options.checkpoint);
  const TrainingApi& api = training();
  const CheckpointInfo info = api.read_checkpoint_info(path);
  ReadOptions read;
  // Images take the size that the network was trained at.
  std::tie(read.width, read.height) =
      options.size.empty() ? std::pair(info.width, info.height) : parse_size(options.size);
  read.scaled_decoding = options.scaled_decoding;
  TerminalProgress progress("eval");
  const Dataset data = read_dataset(options.data, read, progress);
  check_classes(info, data, path);
  const Split& split = wanted_split(data, options.split);
  const Subset subset{&split, all_of(split)};
  if (subset.indices.empty()) throw Error(data.path + ": the split " + split.name + " is empty");
  const Evaluation evaluation =
      api.evaluate_checkpoint(path, subset, options.batch, options.device, progress);
  progress.finish();
  if (!options.csv.empty()) {
    write_file_atomic(options.csv, confusion_csv(evaluation, data.classes));
  }
  if (!options.svg.empty()) {
    write_file_atomic(options.svg, confusion_svg(evaluation, data.classes));
  }
  if (options.json) {
    fmt::print("{}", json_pretty(evaluation_json(evaluation, data.classes)));
  } else {
    fmt::print("{} on {} ({})\n{}", show_path(path), data.path, split.name,
               evaluation_text(evaluation, data.classes));
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
  verb->add_option("--split", options.split, "Which part of the data")->capture_default_str();
  verb->add_option("--size", options.size, "Resize to N or WxH (default: the checkpoint's size)");
  verb->add_flag("--scaled-decoding", options.scaled_decoding,
                 "Decode JPEGs as a training with this setting does");
  verb->add_option("--batch", options.batch, "Images at a time")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  verb->add_option("--device", options.device, "cpu, cuda, cuda:N or auto")->capture_default_str();
  verb->add_option("--confusion-csv", options.csv, "Write the confusion matrix as CSV");
  verb->add_option("--confusion-svg", options.svg, "Write the confusion matrix as SVG");
  verb->add_flag("--json", options.json, "Print JSON");
  examples(*verb, {{"popaug eval network --data photos", "the error on photos/test, per class"},
                   {"popaug eval run/best.safetensors --data photos --split val --json",
                    "a search's best member on the validation split, as JSON"},
                   {"popaug eval network --data photos --confusion-svg confusion.svg",
                    "with a picture of what is taken for what"}});
  verb->callback([&action] { action = [] { return evaluate(options); }; });
}

}  // namespace popaug::cli
