// Pretrained weights by the name of their network, and the Python program that converts them.
//
// Weights of other projects come as pickles of PyTorch, which only the Python package reads
// (python/popaug/models/weights.py). What it makes of them are checkpoints, which --init takes.
#ifndef POPAUG_EXPERIMENT_WEIGHTS_H_
#define POPAUG_EXPERIMENT_WEIGHTS_H_

#include <string>
#include <vector>

#include "popaug/experiment/settings.h"

namespace popaug {

// Where converted weights are kept, as NETWORK.safetensors: $XDG_CACHE_HOME/popaug/weights, by
// default ~/.cache/popaug/weights. The environment variable POPAUG_WEIGHTS names another folder.
fs::path weights_folder();

// If setting "init" is the name of a network, replaces it by the file of its weights: in
// weights_folder(), or converted into it from an installed Python package. The network becomes that
// one unless it was given. Throws UsageError if there are no weights, with what to do about it.
void find_weights(ExperimentSettings& settings);

// Runs `popaug._weights` of the Python package with these arguments; returns its exit code.
// `quiet`: what it prints is dropped. Throws Error if no Python has the package.
int run_weights_program(const std::vector<std::string>& arguments, bool quiet);

}  // namespace popaug

#endif  // POPAUG_EXPERIMENT_WEIGHTS_H_
