// What `popaug bench augment` augments: policies, sizes, outputs, and synthetic pictures.
#ifndef POPAUG_CLI_BENCH_WORKLOADS_H_
#define POPAUG_CLI_BENCH_WORKLOADS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "popaug/augment/augment.h"

namespace popaug::cli {

enum class Layout { kChannelsLast, kPlanes };
enum class NumberType { kFloat32, kBFloat16, kUint8 };

// As the names of rows say it: f32, bf16, u8.
std::string number_name(NumberType type);
size_t number_bytes(NumberType type);

struct Workload {
  std::string name, space;
  Rule rule;
  Policy policy;
  BaseTransforms base;
  int side = 32;
  Layout layout = Layout::kChannelsLast;
  NumberType type = NumberType::kFloat32;
};

// In the order of the rows.
std::vector<Workload> workloads();

// Published constants of reduced CIFAR-10 (docs/pba.md#policy).
Normalisation bench_colours();

// RGB pictures of a sky, ground and blobs with noise: histograms as uneven as photographs have.
std::vector<uint8_t> pictures(int count, int side);

}  // namespace popaug::cli

#endif  // POPAUG_CLI_BENCH_WORKLOADS_H_
