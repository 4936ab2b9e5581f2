#include "popaug/experiment/worker_trainer.h"

#include "popaug/experiment/images.h"
#include "popaug/experiment/memory_check.h"
#include "popaug/experiment/training_library.h"

namespace popaug {
namespace {

// A trainer together with the images that it refers to.
class WithInputs : public Trainer {
 public:
  WithInputs(std::unique_ptr<Inputs> inputs, std::unique_ptr<Trainer> trainer)
      : inputs_(std::move(inputs)), trainer_(std::move(trainer)) {}
  RoundResult run(const RoundWork& work, const std::function<void(double)>& heartbeat,
                  const StopToken& stop) override {
    return trainer_->run(work, heartbeat, stop);
  }

 private:
  std::unique_ptr<Inputs> inputs_;
  std::unique_ptr<Trainer> trainer_;
};

std::unique_ptr<Trainer> network_trainer(const RunMessage& message, ExperimentSettings settings) {
  auto inputs = std::make_unique<Inputs>(read_inputs(settings, true, silent_progress()));
  if (inputs->fingerprint != message.settings.at("data").get<std::string>()) {
    throw Error(settings.images.data + ": these are not the images that the search began with");
  }
  // Each process asks for itself: it may run on another machine than the search.
  check_memory(settings, *inputs, 1);
  const TrainerFactory factory = training().make_trainer_factory(
      settings.train, message.space, message.rule, message.base, inputs->data.classes,
      {inputs->train_split, inputs->train}, {inputs->validation_split, inputs->validation},
      message.metric);
  std::unique_ptr<Trainer> trainer = factory(0);
  return std::make_unique<WithInputs>(std::move(inputs), std::move(trainer));
}

}  // namespace

std::unique_ptr<Trainer> make_worker_trainer(const RunMessage& message) {
  const Json run = message.settings.value("run", Json::object());
  if (run.contains("config")) {
    ExperimentSettings settings =
        settings_from_toml(run.at("config").get<std::string>(), "config", kSearchVerb);
    if (settings.trainer == "network") return network_trainer(message, std::move(settings));
  }
  return make_toy_trainer(message.settings.at("trainer"), message.space);
}

}  // namespace popaug
