// ns per image of every op and of every stage of the pipeline, per instruction set.
#include <benchmark/benchmark.h>

#include <cstring>
#include <iterator>
#include <numeric>

#include "popaug/augment/augment.h"
#include "popaug/augment/internal/fast_draw.h"
#include "popaug/augment/internal/prepared_op.h"
#include "popaug/augment/internal/targets_test.h"

namespace popaug {
namespace {

constexpr uint32_t kImages = 64;

std::vector<uint8_t> noise(size_t count) {
  std::vector<uint8_t> bytes(count);
  Random random({.purpose = Purpose::kTest, .sample = 1});
  for (size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<uint8_t>(60 + i % 97 + (random.next32() & 31));
  }
  return bytes;
}

// One op: from packed pixels in cache to packed pixels in cache.
void run_one_op(benchmark::State& state, const OpRow& row, double value, int side, int64_t target) {
  const ForcedTarget forced(target);
  const Kernels kernels;
  Workspace work(side, side);
  const auto bytes = noise(3 * work.size());
  kernels.pixels.expand_rgb(bytes.data(), work.pixels(), work.size());
  Image image(side, side);
  std::memcpy(image.data(), work.pixels(), image.size_bytes());
  const PreparedOp op = prepare_op(row, value, side, side, true);
  Random random({.purpose = Purpose::kOp});
  OpContext context{&random, true, false};
  for (auto _ : state) {
    op.run(kernels, work, context);
    benchmark::DoNotOptimize(work.pixels());
    benchmark::ClobberMemory();
  }
  const double bytes_moved = 2.0 * static_cast<double>(image.size_bytes());
  state.counters["bytes/s"] =
      benchmark::Counter(bytes_moved, benchmark::Counter::kIsIterationInvariantRate);
}

void run_copy(benchmark::State& state, int side) {
  Workspace work(side, side);
  for (auto _ : state) {
    std::memcpy(work.other(), work.pixels(), 4 * work.size());
    work.swap();
    benchmark::ClobberMemory();
  }
  state.counters["bytes/s"] = benchmark::Counter(8.0 * static_cast<double>(work.size()),
                                                 benchmark::Counter::kIsIterationInvariantRate);
}

enum class Stage {
  kWords,  // the first words of 32 images
  kDraw,
  kBaseDraw,
  kExpand,
  kInterleaved,  // solid, flipped, with holes
  kInterleavedFlip,
  kInterleavedHoles,
  kInterleavedBFloat16,
  kPlanes,
  kPlanesBFloat16,
  kResizedCrop  // with the draw of its part
};

void run_stage(benchmark::State& state, Stage stage, int side, int64_t target) {
  const ForcedTarget forced(target);
  const Kernels kernels;
  Workspace work(side, side);
  const auto bytes = noise(3 * work.size() * kImages);
  // On a cache line, as tensors are.
  std::vector<float> memory(3 * work.size() * kImages + 16);
  float* out = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) / 4;
  std::vector<uint16_t> half_memory(3 * work.size() * kImages + 32);
  uint16_t* halves =
      half_memory.data() + (64 - reinterpret_cast<uintptr_t>(half_memory.data()) % 64) / 2;
  const Space space = space_by_name("pba");
  Policy policy = zero_policy(space);
  for (PolicyEntry& entry : policy.entries) entry = {entry.op, 0.4, 4};
  const Sampler sampler(space, Rule{}, policy);
  const FastSampler fast(space, Rule{}, policy, {4, 0.5, 16}, side, side);
  const simd::ChannelScale scale;
  const simd::Rectangle cut{side / 4, side / 4, 3 * side / 4, 3 * side / 4};
  PrefetchedDraws words;
  uint32_t numbers[PrefetchedDraws::kMost];
  std::iota(std::begin(numbers), std::end(numbers), 0u);
  words.make(kernels.draws, {}, numbers);
  uint32_t i = 0;
  for (auto _ : state) {
    i = (i + 1) % kImages;
    Draw draws[2];
    switch (stage) {
      case Stage::kDraw: {
        benchmark::DoNotOptimize(fast.draw({.sample = i}, words.augment(i % 32), sampler, draws));
        break;
      }
      case Stage::kBaseDraw: {
        benchmark::DoNotOptimize(fast.draw_base({.sample = i}, words.base(i % 32)));
        break;
      }
      case Stage::kExpand:
        kernels.pixels.expand_rgb(bytes.data() + 3 * work.size() * i, work.pixels(), work.size());
        break;
      case Stage::kWords:
        words.make(kernels.draws, {.epoch = i}, numbers);
        break;
      case Stage::kInterleaved:
      case Stage::kInterleavedFlip:
      case Stage::kInterleavedHoles:
        kernels.output.interleaved(
            work.pixels(), side, side,
            {2, -3, stage == Stage::kInterleavedFlip, cut, stage != Stage::kInterleavedHoles},
            scale, out + 3 * work.size() * i, 3 * side, work.other());
        break;
      case Stage::kPlanes:
        kernels.planes.planes(work.pixels(), side, side, {2, -3, false, cut, true}, scale, 3,
                              out + 3 * work.size() * i, side * side, side, work.other());
        break;
      case Stage::kInterleavedBFloat16:
        kernels.output.interleaved_bfloat16(work.pixels(), side, side, {2, -3, false, cut, true},
                                            scale, halves + 3 * work.size() * i, 3 * side,
                                            work.other());
        break;
      case Stage::kPlanesBFloat16:
        kernels.planes.planes_bfloat16(work.pixels(), side, side, {2, -3, false, cut, true}, scale,
                                       3, halves + 3 * work.size() * i, side * side, side,
                                       work.other());
        break;
      case Stage::kResizedCrop: {
        Random random = stream_of({.sample = i}, Purpose::kResizedCrop);
        const CropBox box = random_crop_box(side, side, {.least_area = 0.35}, random);
        const uint32_t* from = work.pixels() + size_t{1} * box.top * side + box.left;
        work.resizer().run(reinterpret_cast<const uint8_t*>(from), size_t{4} * side, box.width,
                           box.height, reinterpret_cast<uint8_t*>(work.other()), side, side);
        break;
      }
    }
    benchmark::ClobberMemory();
  }
}

void register_all() {
  const Space space = space_by_name("pba");
  const std::pair<const char*, Stage> stages[] = {{"words-of-32", Stage::kWords},
                                                  {"draw", Stage::kDraw},
                                                  {"base-draw", Stage::kBaseDraw},
                                                  {"expand", Stage::kExpand},
                                                  {"interleaved", Stage::kInterleaved},
                                                  {"interleaved-flip", Stage::kInterleavedFlip},
                                                  {"interleaved-holes", Stage::kInterleavedHoles},
                                                  {"interleaved-bf16", Stage::kInterleavedBFloat16},
                                                  {"planes", Stage::kPlanes},
                                                  {"planes-bf16", Stage::kPlanesBFloat16},
                                                  {"resized-crop", Stage::kResizedCrop}};
  for (const int side : {32, 224}) {
    const std::string size = std::to_string(side);
    benchmark::RegisterBenchmark(("copy/" + size).c_str(),
                                 [=](benchmark::State& state) { run_copy(state, side); });
    for (const int64_t target : runnable_targets()) {
      const std::string suffix = "/" + size + "/" + hwy::TargetName(target);
      for (const auto& [name, stage] : stages) {
        benchmark::RegisterBenchmark(
            ("stage-" + std::string(name) + suffix).c_str(),
            [=, stage = stage](benchmark::State& state) { run_stage(state, stage, side, target); });
      }
      for (const SpaceOp& op : space.ops) {
        const OpRow* row = find_op(op.op);
        const double value = op_value(op, 7, op.is_signed, side, side);
        benchmark::RegisterBenchmark((op.op + suffix).c_str(), [=](benchmark::State& state) {
          run_one_op(state, *row, value, side, target);
        });
      }
    }
  }
}

}  // namespace
}  // namespace popaug

int main(int argc, char** argv) {
  popaug::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
