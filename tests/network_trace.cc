// Trains a network on given batches and writes everything down: REQUEST.json IN.safetensors
// OUT.safetensors (train/trace.h). For comparisons with PyTorch.
#include <cstdio>

#include "popaug/train/train.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    popaug::trace_training(popaug::read_json(argv[1]), argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
