#include "cli/bench_workloads.h"

#include <algorithm>

namespace popaug::cli {
namespace {

// Segment 8 of 17 (epochs 84..110 of 200) of the published CIFAR-10 schedule, line 7 of
// rcifar10_16_wrn.txt: probability in tenths and level of each op, the 15 ops twice.
constexpr int kMidSearch[60] = {4, 1, 7,  2, 10, 3, 0, 2, 10, 0, 4, 9, 3, 0, 2, 6, 4, 3, 2,  9,
                                1, 8, 10, 1, 3,  2, 0, 2, 10, 3, 7, 2, 6, 4, 7, 3, 2, 6, 10, 9,
                                5, 4, 1,  4, 6,  7, 1, 5, 0,  2, 1, 0, 0, 9, 3, 9, 3, 0, 9,  3};

Policy mid_search_policy(const Space& space) {
  Policy policy = zero_policy(space, 2);
  for (size_t i = 0; i < policy.entries.size(); ++i) {
    policy.entries[i].probability = kMidSearch[2 * i] / 10.0;
    policy.entries[i].level = kMidSearch[2 * i + 1];
  }
  return policy;
}

// The row that all others are compared with, in one size, layout and type.
Workload pipeline(int side, Layout layout, NumberType type) {
  std::string name = "pipeline-" + std::to_string(side);
  if (layout == Layout::kPlanes) name += "-planes";
  if (type != NumberType::kFloat32) name += "-" + number_name(type);
  return {.name = name,
          .space = "pba",
          .rule = {},
          .policy = mid_search_policy(space_by_name("pba")),
          .base = {.pad = 4, .flip = 0.5, .cutout = 16},
          .side = side,
          .layout = layout,
          .type = type};
}

Workload baseline_workload(const std::string& name, const std::string& space, RuleKind kind,
                           int side) {
  Policy policy = zero_policy(space_by_name(space), 1);
  for (PolicyEntry& entry : policy.entries) entry = {entry.op, 1.0, 9};
  Rule rule;
  rule.kind = kind;
  return {.name = name,
          .space = space,
          .rule = rule,
          .policy = policy,
          .base = {.pad = 4, .flip = 0.5, .cutout = 0},
          .side = side};
}

// The same with half of the images mixed by CutMix: the arm NAME+cutmix of a comparison.
Workload mixed_workload(Workload work) {
  work.name += "-cutmix";
  work.base.cutmix = 0.5;
  return work;
}

}  // namespace

std::string number_name(NumberType type) {
  switch (type) {
    case NumberType::kFloat32:
      return "f32";
    case NumberType::kBFloat16:
      return "bf16";
    default:
      return "u8";
  }
}

size_t number_bytes(NumberType type) {
  switch (type) {
    case NumberType::kFloat32:
      return 4;
    case NumberType::kBFloat16:
      return 2;
    default:
      return 1;
  }
}

std::vector<Workload> workloads() {
  const auto flipcrop = [](int side) {
    const std::string name = "flipcrop-" + std::to_string(side);
    return mixed_workload(baseline_workload(name, "pba", RuleKind::kNone, side));
  };
  const auto trivial = [](int side) {
    const std::string name = "trivial-" + std::to_string(side);
    return mixed_workload(baseline_workload(name, "trivial", RuleKind::kTrivial, side));
  };
  std::vector<Workload> all;
  for (const int side : {32, 224}) {
    for (const NumberType type :
         {NumberType::kFloat32, NumberType::kBFloat16, NumberType::kUint8}) {
      for (const Layout layout : {Layout::kChannelsLast, Layout::kPlanes}) {
        all.push_back(pipeline(side, layout, type));
      }
    }
    const std::string size = "-" + std::to_string(side);
    all.push_back(
        baseline_workload("randaugment" + size, "randaugment", RuleKind::kRandAugment, side));
    if (side == 32) {
      all.push_back(baseline_workload("trivial" + size, "trivial", RuleKind::kTrivial, side));
    }
  }
  for (const int side : {32, 224}) {
    all.push_back(flipcrop(side));
    all.push_back(trivial(side));
  }
  return all;
}

Normalisation bench_colours() {
  return {{.49056774f, .48116026f, .44726052f}, {.24710728f, .24451308f, .26235099f}};
}

std::vector<uint8_t> pictures(int count, int side) {
  std::vector<uint8_t> bytes(size_t{3} * count * side * side);
  uint8_t* out = bytes.data();
  for (int i = 0; i < count; ++i) {
    Random random({.purpose = Purpose::kTest, .sample = static_cast<uint64_t>(i)});
    int base[3], slope_x[3], slope_y[3];
    for (int c = 0; c < 3; ++c) {
      base[c] = static_cast<int>(random.below(160)) + 30;
      slope_x[c] = static_cast<int>(random.below(121)) - 60;
      slope_y[c] = static_cast<int>(random.below(121)) - 60;
    }
    const int cx = static_cast<int>(random.below(side)), cy = static_cast<int>(random.below(side));
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        const int dx = x - cx, dy = y - cy;
        const int blob = 9 * (dx * dx + dy * dy) < side * side ? 70 : 0;
        const uint32_t noise = random.next32();
        for (int c = 0; c < 3; ++c) {
          const int v = base[c] + slope_x[c] * x / side + slope_y[c] * y / side - blob +
                        static_cast<int>(noise >> (8 * c) & 15);
          *out++ = static_cast<uint8_t>(std::clamp(v, 0, 255));
        }
      }
    }
  }
  return bytes;
}

}  // namespace popaug::cli
