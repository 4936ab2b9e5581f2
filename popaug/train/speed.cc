// One training step at a time, for measurements of speed.
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include "popaug/train/internal/loop_torch.h"
#include "popaug/train/train.h"

namespace popaug {
namespace {

// A network in training on one batch of drawn images.
class StepWork {
 public:
  StepWork(const TrainSettings& settings, const SpeedWork& work)
      : settings_(settings), work_(work), conv_(conv_mode(settings.conv)) {
    use_one_thread();
    network_ = make_network(settings.network,
                            {work.channels, work.height, work.width, work.classes}, at::kCPU);
    initialise(*network_, 1, 0);
    optimiser_ = std::make_unique<Optimiser>(*network_);
    if (settings.ema > 0) {
      average_ = std::make_unique<WeightAverage>(*network_);
      average_->start();
    }
    images_ = at::empty(
        {settings.batch, work.channels, work.height, work.width},
        at::TensorOptions().dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
    labels_ = at::zeros({settings.batch}, at::kLong);
    Random random({.seed = 1, .purpose = Purpose::kTest});
    float* image = images_.mutable_data_ptr<float>();
    for (int64_t i = 0; i < images_.numel(); ++i) image[i] = float(random.normal());
    for (int64_t i = 0; i < settings.batch; ++i) {
      labels_.mutable_data_ptr<int64_t>()[i] = random.below(uint32_t(work.classes));
    }
  }

  void step() {
    Pass pass;
    pass.conv = conv_;
    if (work_.evaluation) {
      c10::InferenceMode guard;
      if (!work_.unfolded) pass.folded = &folded_;
      network_->forward(images_, pass);
      return;
    }
    pass.training = true;
    network_->gradients(images_, labels_, settings_.label_smoothing, pass);
    // A small rate: random labels must not drive the weights out of the range of real ones.
    optimiser_->step({1e-3, settings_.momentum, settings_.weight_decay, settings_.clip});
    if (average_ != nullptr) average_->update(settings_.ema, ++steps_);
  }

 private:
  TrainSettings settings_;
  SpeedWork work_;
  ConvMode conv_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Optimiser> optimiser_;
  std::unique_ptr<WeightAverage> average_;  // null: none is kept
  int64_t steps_ = 0;
  FoldCache folded_;
  Tensor images_, labels_;
};

}  // namespace

std::function<void()> make_speed_step(const TrainSettings& settings, const SpeedWork& work) {
  if (settings.batch < 1) throw UsageError("batch: expected at least 1");
  auto steps = std::make_shared<StepWork>(settings, work);
  return [steps] { steps->step(); };
}

}  // namespace popaug
