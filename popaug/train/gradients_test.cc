// The gradients of a batch that is computed in parts.
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "popaug/train/internal/loop_torch.h"
#include "tests/toy_training.h"

namespace popaug {
namespace {

// The mean of the gradients of the parts, each a batch of its own, with the draws of its place.
TEST(Accumulation, AveragesTheGradientsOfTheParts) {
  const ImageSet split = toy_split(8, 12, 3, 1);
  TrainSettings settings = small_settings();
  settings.head_dropout = 0.4;
  const auto learning = [&] {
    const CheckpointInfo info =
        new_checkpoint_info(settings, kClasses, split, {{0.5f, 0.5f, 0.5f}, {1, 1, 1}});
    auto network = new_network(settings, info, at::kCPU);
    start_network(*network, settings, 1, 0);
    return network;
  };
  const Tensor images = at::zeros({8, 3, split.height, split.width});
  Random random({3, Purpose::kTest});
  for (int64_t i = 0; i < images.numel(); ++i) {
    images.mutable_data_ptr<float>()[i] = static_cast<float>(random.uniform() - 0.5);
  }
  const Tensor labels = at::arange(8, at::kLong).remainder(4);
  Pass pass;
  pass.training = true;

  const auto whole = learning(), parts = learning();
  settings.accumulate = 2;
  const double loss = batch_gradients(*whole, images, labels, settings, pass);
  settings.accumulate = 1;
  std::vector<Tensor> sums(parts->network->parameters().size());
  double expected = 0;
  for (const int64_t first : {0, 4}) {
    pass.first_image = first;
    expected += batch_gradients(*parts, images.narrow(0, first, 4), labels.narrow(0, first, 4),
                                settings, pass) /
                2;
    for (size_t i = 0; i < sums.size(); ++i) {
      Tensor& gradient = parts->network->parameters()[i].tensor.mutable_grad();
      sums[i] = first == 0 ? gradient : (sums[i] + gradient) / 2;
      gradient = Tensor();
    }
  }
  EXPECT_EQ(loss, expected);
  for (size_t i = 0; i < sums.size(); ++i) {
    EXPECT_TRUE(at::allclose(whole->network->parameters()[i].tensor.grad(), sums[i], 1e-6, 1e-9))
        << whole->network->parameters()[i].name;
  }
  for (size_t i = 0; i < whole->network->buffers().size(); ++i) {
    EXPECT_TRUE(whole->network->buffers()[i].tensor.equal(parts->network->buffers()[i].tensor));
  }
}

}  // namespace
}  // namespace popaug
