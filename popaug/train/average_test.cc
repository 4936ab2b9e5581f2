// The average of weights, and learning rates that fall from block to block.
#include <gtest/gtest.h>

#include <cmath>

#include "popaug/model/model.h"
#include "popaug/train/internal/member_torch.h"
#include "tests/toy_training.h"

namespace popaug {
namespace {

std::unique_ptr<Network> drawn_network(uint64_t seed, const char* name = "wrn-10-1") {
  auto network = make_network(name, {3, 32, 32, 4}, at::kCPU);
  initialise(*network, seed, 0);
  return network;
}

std::vector<double> values_of(const Tensor& tensor) {
  const Tensor flat = tensor.detach().to(at::kDouble).contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

TEST(WeightAverage, IsTheRecursionInDouble) {
  const auto network = drawn_network(1), other = drawn_network(2);
  WeightAverage average(*network);
  std::vector<double> expected = values_of(network->parameters()[0].tensor);
  for (int step = 1; step <= 20; ++step) {
    {
      at::NoGradGuard guard;
      for (size_t i = 0; i < network->parameters().size(); ++i) {
        network->parameters()[i].tensor.add_(other->parameters()[i].tensor, 0.1);
      }
      for (const Buffer& buffer : network->buffers()) buffer.tensor.add_(1);
    }
    average.update(0.6, step);
    const double kept = std::min(0.6, (1.0 + step) / (10.0 + step));
    const std::vector<double> now = values_of(network->parameters()[0].tensor);
    for (size_t i = 0; i < now.size(); ++i) expected[i] = kept * expected[i] + (1 - kept) * now[i];
  }
  const std::vector<double> last = values_of(network->parameters()[0].tensor);
  const double buffer = network->buffers()[0].tensor.mean().item<double>();
  average.exchange();
  const std::vector<double> found = values_of(network->parameters()[0].tensor);
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6) << i;
  EXPECT_LT(network->buffers()[0].tensor.mean().item<double>(), buffer);
  average.exchange();
  EXPECT_EQ(values_of(network->parameters()[0].tensor), last);
}

TEST(LayerDecay, CountsBlocksFromTheHead) {
  const auto blocks = [](const char* name, const std::string& parameter) {
    const auto network = drawn_network(1, name);
    const std::vector<int> found = blocks_before_head(network->parameters());
    for (size_t i = 0; i < found.size(); ++i) {
      if (network->parameters()[i].name == parameter) return found[i];
    }
    return -1;
  };
  EXPECT_EQ(blocks("resnet-18", "fc.weight"), 0);
  EXPECT_EQ(blocks("resnet-18", "layer4.1.conv2.weight"), 1);
  EXPECT_EQ(blocks("resnet-18", "layer4.1.bn1.bias"), 1);
  EXPECT_EQ(blocks("resnet-18", "layer4.0.downsample.0.weight"), 2);
  EXPECT_EQ(blocks("resnet-18", "layer1.0.conv1.weight"), 8);
  EXPECT_EQ(blocks("resnet-18", "conv1.weight"), 9);
  EXPECT_EQ(blocks("wrn-10-1", "bn1.weight"), 1);
  EXPECT_EQ(blocks("wrn-10-1", "conv1.weight"), 5);
  EXPECT_EQ(blocks("efficientnet-lite-0", "conv_head.weight"), 1);
  EXPECT_EQ(blocks("efficientnet-lite-0", "classifier.bias"), 0);
  EXPECT_EQ(blocks("efficientnet-lite-0", "blocks.6.0.conv_dw.weight"), 2);
  EXPECT_EQ(blocks("efficientnet-lite-0", "conv_stem.weight"), 18);
}

TEST(LayerDecay, LowersTheRateBlockByBlock) {
  for (const OptimiserKind kind : {OptimiserKind::kSgd, OptimiserKind::kAdamW}) {
    const auto plain = drawn_network(1), decayed = drawn_network(1);
    const auto step = [&](Network& network, double decay) {
      for (Parameter& parameter : network.parameters()) {
        parameter.tensor.mutable_grad() = parameter.tensor.detach() + 1;
      }
      Optimiser(network, kind).step({.lr = 0.1, .layer_decay = decay});
    };
    const auto start = drawn_network(1);
    step(*plain, 1);
    step(*decayed, 0.5);
    const std::vector<int> before = blocks_before_head(plain->parameters());
    for (size_t i = 0; i < before.size(); ++i) {
      const Tensor from = start->parameters()[i].tensor.detach();
      const double whole = (plain->parameters()[i].tensor.detach() - from).norm().item<double>();
      const double less = (decayed->parameters()[i].tensor.detach() - from).norm().item<double>();
      EXPECT_NEAR(less / whole, std::pow(0.5, before[i]), 1e-3) << plain->parameters()[i].name;
    }
  }
}

TEST_F(TrainNetworkTest, AnAveragedTrainingResumesToTheSameBytes) {
  const Subset validation = range(split_, 96, 160);
  train(folder_.path() / "plain", never_, {.validation = validation});
  settings_.ema = 0.9;
  train(folder_.path() / "whole", never_, {.validation = validation});
  const fs::path to = folder_.path() / "cut";
  StopToken stop;
  StopAt stopper(0.4, stop);
  EXPECT_THROW(train(to, stop, {.validation = validation}, stopper), Interrupted);
  train(to, never_, {.validation = validation, .resume = true});
  for (const char* name : {"best.safetensors", "last.safetensors", "progress.csv"}) {
    EXPECT_EQ(read_file(folder_.path() / "whole" / name), read_file(to / name)) << name;
  }
  // The steps are those of a training without averages; what is evaluated and kept is not.
  const auto weights = [&](const char* run, const char* file) {
    const Checkpoint checkpoint = load_checkpoint(folder_.path() / run / file);
    return std::string(checkpoint.tensors.find("block3.layer.0.conv1.weight")->bytes);
  };
  EXPECT_EQ(weights("whole", "last.safetensors"), weights("plain", "last.safetensors"));
  EXPECT_NE(weights("whole", "best.safetensors"), weights("plain", "best.safetensors"));
  EXPECT_NE(read_file(folder_.path() / "whole/progress.csv"),
            read_file(folder_.path() / "plain/progress.csv"));
}

TEST_F(TrainNetworkTest, AMemberKeepsItsAverageFromRoundToRound) {
  settings_.ema = 0.9;
  const Space space = space_by_name("pba");
  const auto trainer = [&](int worker) {
    return make_trainer_factory(settings_, space, Rule(), {.pad = 2}, kClasses,
                                range(split_, 0, 80), range(split_, 80, 160), "loss")(worker);
  };
  const auto round = [&](Trainer& of, int first, int epochs, const fs::path& from,
                         const fs::path& to) {
    RoundWork work;
    work.member = 1;
    work.first_epoch = first;
    work.epochs = epochs;
    work.total_epochs = 4;
    work.seed = 7;
    work.policy = zero_policy(space);
    work.from = from;
    work.to = to;
    return of.run(
        work, [](double) {}, never_);
  };
  const fs::path half = folder_.path() / "half", two = folder_.path() / "two";
  const auto one = trainer(0), another = trainer(1);
  const RoundResult whole = round(*one, 0, 4, {}, folder_.path() / "whole");
  round(*another, 0, 2, {}, half);
  round(*another, 0, 1, {}, folder_.path() / "unrelated");
  const RoundResult second = round(*another, 2, 2, half, two);
  EXPECT_EQ(second.score, whole.score);
  EXPECT_EQ(read_file(two), read_file(folder_.path() / "whole"));
  settings_.ema = 0;
  const auto plain = trainer(2);
  EXPECT_NE(round(*plain, 0, 4, {}, folder_.path() / "plain").score, whole.score);
}

}  // namespace
}  // namespace popaug
