// The rule of ConvMode::kAuto beside measured layers, and, when asked to, the measurement:
//   POPAUG_MEASURE=1 taskset -c 1 build/test_model --gtest_filter='ConvChoice.MeasuresLayers' |
//     grep '^{' >bench/results/conv-layers.jsonl
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <sstream>
#include <vector>

#include "popaug/model/internal/conv_choice.h"
#include "popaug/model/internal/network_torch.h"

namespace popaug {
namespace {

constexpr int kRuns = 7;

Tensor drawn(at::IntArrayRef shape) {
  const Tensor values =
      at::empty(shape, at::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast));
  Random random({9, Purpose::kTest, 3});
  float* data = values.mutable_data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) data[i] = float(random.uniform() - 0.5);
  return values;
}

using Layer = std::function<Tensor(const Tensor& images, const Pass& pass)>;

// Seconds of one pass through a layer, with its backward passes in training.
double pass_seconds(const Layer& layer, const Tensor& images, ConvMode mode, bool training) {
  Pass pass;
  pass.conv = mode;
  pass.training = training;
  const auto start = std::chrono::steady_clock::now();
  if (training) {
    const Tensor y = layer(images, pass);
    y.backward(at::ones_like(y));
    images.mutable_grad() = Tensor();
  } else {
    c10::InferenceMode guard;
    layer(images, pass);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// A line of JSON: milliseconds of both kinds of kernels, runs taken in turns. Kernel 0 is a batch
// norm with ReLU.
void measure(const kernels::ConvShape& shape, bool training) {
  Layer layer;
  if (shape.kernel > 0) {
    Conv conv;
    conv.weight = drawn({shape.out, shape.in, shape.kernel, shape.kernel});
    conv.weight.requires_grad_(training);
    conv.stride = shape.stride;
    conv.padding = (shape.kernel - 1) / 2;
    layer = [conv](const Tensor& x, const Pass& pass) { return conv_unit(x, conv, pass); };
  } else {
    const auto norm = std::make_shared<BatchNorm>();
    norm->weight = at::ones({shape.in}).requires_grad_(training);
    norm->bias = at::zeros({shape.in}).requires_grad_(training);
    norm->running_mean = at::zeros({shape.in});
    norm->running_var = at::ones({shape.in});
    layer = [norm](const Tensor& x, const Pass& pass) { return norm_relu_unit(x, *norm, pass); };
  }
  const Tensor images = drawn({shape.batch, shape.in, shape.height, shape.width});
  images.requires_grad_(training);
  std::vector<double> seconds[2];
  for (int run = 0; run < kRuns + 2; ++run) {
    for (const ConvMode mode : {ConvMode::kExact, ConvMode::kFast}) {
      const double taken = pass_seconds(layer, images, mode, training);
      if (run >= 2) seconds[mode == ConvMode::kFast].push_back(taken);
    }
  }
  std::printf(
      "{\"batch\": %d, \"side\": %d, \"in\": %d, \"out\": %d, \"kernel\": %d, \"stride\": %d, "
      "\"training\": %s, \"exact_ms\": %.4g, \"fast_ms\": %.4g}\n",
      shape.batch, shape.height, shape.in, shape.out, shape.kernel, shape.stride,
      training ? "true" : "false", 1e3 * median(seconds[0]), 1e3 * median(seconds[1]));
  std::fflush(stdout);
}

// Over all measured layers, the rule costs little more than always knowing which is faster.
TEST(ConvChoice, FollowsTheTable) {
  const char* source = std::getenv("POPAUG_SOURCE");
  ASSERT_NE(source, nullptr) << "run this test by ctest";
  std::istringstream lines(read_file(fs::path(source) / "bench/results/conv-layers.jsonl"));
  double lost[2] = {0, 0};  // log of chosen over best: evaluation, training
  int rows[2] = {0, 0}, bad = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json row = parse_json(line, "conv-layers.jsonl");
    const kernels::ConvShape shape{row["batch"], row["side"],   row["side"],  row["in"],
                                   row["out"],   row["kernel"], row["stride"]};
    if (shape.kernel == 0) continue;  // batch norm: always fast
    const bool training = row["training"];
    const double exact = row["exact_ms"], fast = row["fast_ms"];
    const double chosen = fast_conv_pays(shape, training) ? fast : exact;
    lost[training ? 1 : 0] += std::log(chosen / std::min(exact, fast));
    ++rows[training ? 1 : 0];
    bad += chosen > 1.25 * std::min(exact, fast);
  }
  for (const int part : {0, 1}) {
    ASSERT_GT(rows[part], 400);
    EXPECT_LT(std::exp(lost[part] / rows[part]), 1.03);
  }
  EXPECT_LT(bad, 60);
}

TEST(ConvChoice, TakesWhatIsFasterForKnownLayers) {
  const auto pays = [](int side, int in, int out, int kernel, int stride, bool training) {
    return fast_conv_pays({32, side, side, in, out, kernel, stride}, training);
  };
  EXPECT_TRUE(pays(32, 16, 16, 3, 1, true));
  EXPECT_TRUE(pays(8, 128, 128, 3, 1, false));
  EXPECT_TRUE(pays(28, 128, 256, 3, 2, true));
  EXPECT_TRUE(pays(14, 256, 1024, 1, 1, true));
  EXPECT_TRUE(pays(4, 64, 64, 1, 1, false));
  EXPECT_TRUE(pays(7, 1024, 2048, 1, 2, false));
  EXPECT_FALSE(pays(32, 3, 16, 3, 1, true));
  EXPECT_FALSE(pays(28, 64, 64, 1, 1, false));
  EXPECT_FALSE(pays(28, 128, 256, 3, 2, false));
  EXPECT_FALSE(pays(112, 3, 64, 7, 2, true));
}

struct Sizes {
  int in, out, kernel, stride;
};

// The layers of the built-in networks at sides from 32 to 224, thinned out.
TEST(ConvChoice, MeasuresLayers) {
  const char* asked = std::getenv("POPAUG_MEASURE");
  if (asked == nullptr) GTEST_SKIP() << "a measurement: POPAUG_MEASURE=1";
  at::set_num_threads(1);
  const Sizes layers[] = {
      {16, 16, 0, 1},    {64, 64, 0, 1},     {256, 256, 0, 1},  {1024, 1024, 0, 1},
      {3, 16, 3, 1},     {3, 32, 3, 2},      {16, 16, 3, 1},    {32, 32, 3, 1},
      {64, 64, 3, 1},    {128, 128, 3, 1},   {256, 256, 3, 1},  {512, 512, 3, 1},
      {16, 32, 3, 1},    {96, 96, 3, 1},     {192, 192, 3, 1},  {16, 32, 3, 2},
      {32, 64, 3, 2},    {64, 128, 3, 2},    {128, 256, 3, 2},  {256, 512, 3, 2},
      {128, 128, 3, 2},  {256, 256, 3, 2},   {16, 32, 1, 1},    {64, 64, 1, 1},
      {64, 256, 1, 1},   {256, 64, 1, 1},    {128, 512, 1, 1},  {512, 128, 1, 1},
      {256, 1024, 1, 1}, {1024, 256, 1, 1},  {512, 2048, 1, 1}, {2048, 512, 1, 1},
      {16, 96, 1, 1},    {96, 24, 1, 1},     {24, 144, 1, 1},   {144, 40, 1, 1},
      {40, 240, 1, 1},   {480, 80, 1, 1},    {112, 672, 1, 1},  {192, 1152, 1, 1},
      {1152, 320, 1, 1}, {320, 1280, 1, 1},  {16, 32, 1, 2},    {64, 128, 1, 2},
      {256, 512, 1, 2},  {1024, 2048, 1, 2},
  };
  for (const bool training : {true, false}) {
    for (const Sizes& layer : layers) {
      for (const int side : {1, 2, 3, 4, 6, 7, 8, 12, 14, 16, 24, 28, 32, 56, 112}) {
        kernels::ConvShape shape{32, side, side, layer.in, layer.out, layer.kernel, layer.stride};
        const double products =
            double(shape.out_pixels()) * double(std::max<size_t>(shape.weights(), shape.out));
        if (products > 2e9 || double(shape.in_pixels()) * shape.in > 3e7) continue;
        measure(shape, training);
      }
    }
  }
}

}  // namespace
}  // namespace popaug
