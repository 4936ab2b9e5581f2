#include "popaug/model/internal/network_torch.h"

#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace popaug {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& name) {
  try {
    check_network_name(name);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Network, NamesAreChecked) {
  EXPECT_EQ(error_of("wrn-28-2"), "");
  EXPECT_THAT(error_of("wrn-29-2"), HasSubstr("6n+4"));
  EXPECT_THAT(error_of("wrm-28-2"), HasSubstr("(nearest: \"wrn-28-2\")"));
  EXPECT_THAT(error_of("wrn-28-2x"), HasSubstr("unknown network"));
  EXPECT_THAT(error_of("wrn-28-0"), HasSubstr("unknown network"));
  EXPECT_EQ(error_of("efficientnet-lite-4"), "");
  EXPECT_THAT(error_of("efficientnet-lite-5"), HasSubstr("efficientnet-lite-0 to"));
  EXPECT_THAT(error_of("efficientnet_lite0"), HasSubstr("(nearest: \"efficientnet-lite-0\")"));
  EXPECT_THAT(error_of("mobilenet-v3-tiny"), HasSubstr("mobilenet-v3-small"));
}

TEST(Network, ParameterCountsOfThePapers) {
  // Wide-ResNet paper, table 4 and its code; in millions 36.5, 2.2, 1.5 and 0.2.
  EXPECT_EQ(count_parameters("wrn-28-10", {3, 32, 32, 10}), 36479194);
  EXPECT_EQ(count_parameters("wrn-40-2", {3, 32, 32, 10}), 2243546);
  EXPECT_EQ(count_parameters("wrn-28-2", {3, 32, 32, 10}), 1467610);
  EXPECT_EQ(count_parameters("wrn-16-1", {3, 32, 32, 10}), 175066);
}

TEST(Network, ParameterCountsOfOtherFamilies) {
  const auto count = [](const char* name, int classes) {
    return count_parameters(name, {3, 32, 32, classes});
  };
  EXPECT_EQ(count("resnet-18", 1000), 11689512);  // torchvision's
  EXPECT_EQ(count("resnet-34", 1000), 21797672);
  EXPECT_EQ(count("resnet-50", 1000), 25557032);
  // In millions 0.27 (1512.03385, table 6), 2.9 and 26.2 (1705.07485), 26.0 (1610.02915, table 4).
  EXPECT_NEAR(count("resnet-20", 10), 0.27e6, 5e3);
  EXPECT_NEAR(count("shake-shake-26-2x32d", 10), 2.9e6, 5e4);
  EXPECT_NEAR(count("shake-shake-26-2x96d", 10), 26.2e6, 5e4);
  EXPECT_NEAR(count("pyramidnet-272", 10), 26.0e6, 5e4);
  // torchvision's, and timm's of tf_efficientnet_lite0 to 4.
  EXPECT_EQ(count("mobilenet-v3-large", 1000), 5483032);
  EXPECT_EQ(count("mobilenet-v3-small", 1000), 2542856);
  EXPECT_EQ(count("efficientnet-lite-0", 1000), 4652008);
  EXPECT_EQ(count("efficientnet-lite-1", 1000), 5416680);
  EXPECT_EQ(count("efficientnet-lite-2", 1000), 6092072);
  EXPECT_EQ(count("efficientnet-lite-3", 1000), 8197096);
  EXPECT_EQ(count("efficientnet-lite-4", 1000), 13006568);
  // Without shortcuts, a published network has no more weights than the paper's.
  EXPECT_LT(count("wrn-published-28-2", 10), count("wrn-28-2", 10));
}

TEST(Network, AnySideAndChannelCount) {
  at::NoGradGuard guard;
  for (const char* name :
       {"wrn-10-1", "wrn-published-10-1", "resnet-20", "resnet-20-published", "resnet-18",
        "shake-shake-26-2x4d", "shake-shake-published-26-2x4d", "pyramidnet-11-9",
        "pyramidnet-published-11-9", "efficientnet-lite-0", "mobilenet-v3-small"}) {
    for (const NetworkShape& shape : {NetworkShape{1, 28, 28, 5}, NetworkShape{3, 9, 14, 5}}) {
      const auto network = make_network(name, shape, at::kCPU);
      initialise(*network, 1, 0);
      const at::Tensor images = at::ones({2, shape.channels, shape.height, shape.width});
      FoldCache folded;
      Pass pass;
      const at::Tensor plain = network->forward(images, pass);
      EXPECT_EQ(plain.sizes(), (std::vector<int64_t>{2, 5})) << name;
      pass.folded = &folded;
      EXPECT_LT((network->forward(images, pass) - plain).abs().max().item<double>(), 1e-3) << name;
    }
  }
}

TEST(Network, InitialWeightsDependOnSeedAndStreamOnly) {
  const auto one = make_network("wrn-10-1", {1, 28, 28, 10}, at::kCPU);
  const auto two = make_network("wrn-10-1", {1, 28, 28, 10}, at::kCPU);
  initialise(*one, 3, 5);
  initialise(*two, 3, 5);
  for (size_t i = 0; i < one->parameters().size(); ++i) {
    EXPECT_TRUE(one->parameters()[i].tensor.equal(two->parameters()[i].tensor));
  }
  initialise(*two, 3, 6);
  EXPECT_FALSE(one->parameters()[0].tensor.equal(two->parameters()[0].tensor));
  // He's deviation: sqrt(2 / (9 * 16)) for the first convolution of block 1.
  const at::Tensor& weight = one->parameters()[3].tensor;
  EXPECT_EQ(one->parameters()[3].name, "block1.layer.0.conv1.weight");
  EXPECT_NEAR(weight.std().item<double>(), std::sqrt(2.0 / 144), 0.006);
}

TEST(Network, FoldedEvaluationEqualsPlain) {
  const auto network = make_network("wrn-16-2", {3, 16, 20, 7}, at::kCPU);
  initialise(*network, 1, 0);
  Random random({4, Purpose::kTest});
  for (const Buffer& buffer : network->buffers()) {
    const bool variance = buffer.name.ends_with("running_var");
    float* values = buffer.tensor.mutable_data_ptr<float>();
    for (int64_t i = 0; i < buffer.tensor.numel(); ++i) {
      values[i] = static_cast<float>(variance ? 0.3 + random.uniform() : 0.2 * random.normal());
    }
  }
  at::NoGradGuard guard;
  at::manual_seed(1);
  const at::Tensor images = at::randn({4, 3, 16, 20}).contiguous(at::MemoryFormat::ChannelsLast);
  FoldCache folded;
  Pass pass;
  const at::Tensor plain = network->forward(images, pass);
  pass.folded = &folded;
  const at::Tensor fast = network->forward(images, pass);
  EXPECT_EQ(fast.sizes(), (std::vector<int64_t>{4, 7}));
  EXPECT_FALSE(folded.empty());
  ASSERT_TRUE(plain.isfinite().all().item<bool>());
  ASSERT_TRUE(fast.isfinite().all().item<bool>());
  EXPECT_GT(plain.norm().item<double>(), 0.01);  // else nothing is compared
  EXPECT_LT(((fast - plain).norm() / plain.norm()).item<double>(), 1e-5);
}

}  // namespace
}  // namespace popaug
