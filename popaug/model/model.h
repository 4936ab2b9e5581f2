// The door of room model: networks by name, and their checkpoints. No torch here; the *_torch.h
// headers, which build and run networks, are for room train only.
#ifndef POPAUG_MODEL_MODEL_H_
#define POPAUG_MODEL_MODEL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "popaug/base/base.h"
#include "popaug/model/checkpoint.h"
#include "popaug/model/safetensors.h"

namespace popaug {

// What a network is built for.
struct NetworkShape {
  int channels = 3;  // of the images: 1 grey, 3 colour
  int height = 32, width = 32;
  int classes = 10;
};

// The names of networks, and patterns with D, K, ... for numbers ("wrn-D-K").
std::vector<std::string> known_networks();
// Throws UsageError with the nearest name if there is no such network.
void check_network_name(const std::string& name);

// The number of trainable parameters of the network.
int64_t count_parameters(const std::string& network, const NetworkShape& shape);
// The number of activations that the forward pass of one image keeps for the backward pass: the
// inputs of convolutions and batch norms.
int64_t count_activations(const std::string& network, const NetworkShape& shape);

}  // namespace popaug

#endif  // POPAUG_MODEL_MODEL_H_
