// The Trainer that a search drives: trains a member for a round on one core.
#include <chrono>
#include <cmath>
#include <mutex>

#include "popaug/search/setting_rows.h"
#include "popaug/train/internal/batches.h"
#include "popaug/train/internal/loop_torch.h"
#include "popaug/train/internal/turned_images.h"
#include "popaug/train/setting_rows.h"
#include "popaug/train/train.h"

namespace popaug {
namespace {

// Shared by all workers; never changed.
struct SearchWork {
  TrainSettings settings;
  Space space;
  Rule rule;
  BaseTransforms base;
  Subset train, validation;
  std::string metric;
  Normalisation normalisation;
  CheckpointInfo info;
};

double score_of(const Evaluation& evaluation, const std::string& metric) {
  if (metric == "loss") return -evaluation.loss;
  if (metric == "balanced-accuracy") return evaluation.balanced_accuracy();
  return evaluation.accuracy();
}

// Applies the genes of a member to the settings, base transforms and strengths that they name.
void apply_genes(const std::map<std::string, double>& genes, TrainSettings& settings,
                 BaseTransforms& base, Strengths& strengths) {
  for (const auto& [name, value] : genes) {
    const TrainSettingRow* row =
        std::find_if(std::begin(kTrainSettings), std::end(kTrainSettings),
                     [&](const TrainSettingRow& each) { return each.setting.key == name; });
    if (row != std::end(kTrainSettings) && row->searched != Searched::kNo) {
      row->put(settings, value);
    } else if (!apply_base_gene(base, name, value) &&
               !apply_strength_gene(strengths, name, value)) {
      std::vector<std::string> known = base_gene_names();
      for (const std::string& each : strength_gene_names()) known.push_back(each);
      for (const TrainSettingRow& each : kTrainSettings) {
        if (each.searched != Searched::kNo) known.emplace_back(each.setting.key);
      }
      throw UsageError(unknown_name("gene", name, known));
    }
  }
}

class NetworkTrainer : public Trainer {
 public:
  NetworkTrainer(std::shared_ptr<const SearchWork> shared, at::Device device,
                 std::shared_ptr<DeviceTurn> turn)
      : shared_(std::move(shared)), turn_(std::move(turn)) {
    use_one_thread();
    const auto held = take_turn();
    network_ = new_network(shared_->settings, shared_->info, device);
  }

  RoundResult run(const RoundWork& work, const std::function<void(double)>& heartbeat,
                  const StopToken& stop) override {
    const auto turn = take_turn();
    const auto start = std::chrono::steady_clock::now();
    LearningNetwork& network = *network_;
    network.info = shared_->info;
    if (work.from.empty()) {
      start_network(network, shared_->settings, work.seed, work.member);
    } else {
      network.load(work.from, true);
    }
    network.info.epoch = work.first_epoch;
    RoundResult result = train(work, heartbeat, stop);
    if (work.evaluate) validate(result, heartbeat, stop);
    if (work.turned) look_at_turned(result, heartbeat, stop);
    if (!work.to.empty()) write_file_atomic(work.to, network.save(true));
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

 private:
  std::unique_lock<DeviceTurn> take_turn() {
    return turn_ == nullptr ? std::unique_lock<DeviceTurn>() : std::unique_lock(*turn_);
  }

  static constexpr double kTrainShare = 0.9;  // of a round's time, for the heartbeat only

  RoundResult train(const RoundWork& work, const std::function<void(double)>& heartbeat,
                    const StopToken& stop) {
    LearningNetwork& network = *network_;
    TrainSettings settings = shared_->settings;
    BaseTransforms base = work.base ? *work.base : shared_->base;
    Strengths strengths;
    apply_genes(work.genes, settings, base, strengths);
    base = trained_base(base, settings);  // after the genes: resized_crop may be one
    check_mixing(base, shared_->train, shared_->info.classes);
    const ImageSet& split = *shared_->train.split;
    const Space space = with_strengths(work.space ? *work.space : shared_->space, strengths);
    const Augmenter augmenter(space, shared_->rule, work.policy, base, shared_->normalisation,
                              split.width, split.height, split.channels);
    EpochWork epoch_work{&settings,        &split,    &shared_->train.indices,
                         &augmenter,       work.seed, static_cast<uint32_t>(work.member),
                         work.total_epochs};
    epoch_work.mixes = base.mixes();
    epoch_work.ahead = turn_ != nullptr;
    const int64_t steps = steps_per_epoch(shared_->train.indices.size(), settings.batch);
    RoundResult result;
    for (int e = 0; e < work.epochs; ++e) {
      const auto tick = [&](double share) { heartbeat(kTrainShare * (e + share) / work.epochs); };
      EpochPlace place;
      try {
        result.metrics["train_loss"] =
            train_epoch(network, buffers_, place, epoch_work, tick, stop);
      } catch (const Diverged& diverged) {
        throw Diverged(diverged.what(), (e * steps + place.step) * settings.batch);
      }
    }
    result.images_trained = work.epochs * steps * settings.batch;
    return result;
  }

  void validate(RoundResult& result, const std::function<void(double)>& heartbeat,
                const StopToken& stop) {
    const Averaged averaged(network_->average.get());
    const Evaluation evaluation = evaluate(
        *network_, shared_->validation, 0, conv_mode(shared_->settings.conv),
        [&](double share) { heartbeat(kTrainShare + (1 - kTrainShare) * share); }, stop);
    if (!std::isfinite(evaluation.loss)) {
      throw Diverged("training diverged: the loss of the validation images is " +
                         number_text(evaluation.loss) +
                         "; try a lower setting \"lr\", or a setting \"clip\"",
                     result.images_trained);
    }
    result.score = score_of(evaluation, shared_->metric);
    result.correct = evaluation.correct;
    result.metrics["val_loss"] = evaluation.loss;
    result.metrics["val_accuracy"] = evaluation.accuracy();
    result.images_evaluated = evaluation.images;
  }

  void look_at_turned(RoundResult& result, const std::function<void(double)>& heartbeat,
                      const StopToken& stop) {
    const Averaged averaged(network_->average.get());
    const auto accuracy = [&](Turn turn) {
      const TurnedImages images(shared_->validation, kTurnedImages, turn);
      return evaluate(
                 *network_, images.subset(), 0, conv_mode(shared_->settings.conv),
                 [&](double) { heartbeat(1); }, stop)
          .accuracy();
    };
    result.metrics["mirrored_accuracy"] = accuracy(kMirror);
    if (shared_->info.width != shared_->info.height) return;
    double sum = 0;
    for (const Turn& turn : kOtherTurns) sum += accuracy(turn);
    result.metrics["turned_accuracy"] = sum / static_cast<double>(std::size(kOtherTurns));
  }

  std::shared_ptr<const SearchWork> shared_;
  std::shared_ptr<DeviceTurn> turn_;  // null on a CPU
  std::unique_ptr<LearningNetwork> network_;
  BatchBuffers buffers_;
};

}  // namespace

TrainerFactory make_trainer_factory(const TrainSettings& settings, const Space& space,
                                    const Rule& rule, const BaseTransforms& base,
                                    const std::vector<std::string>& classes, const Subset& train,
                                    const Subset& validation, const std::string& metric) {
  check_train_settings(settings);
  steps_per_epoch(train.indices.size(), settings.batch);
  check_setting(search_setting("metric").setting, SettingKind::kText, metric,
                name_setting("metric"));
  auto shared = std::make_shared<SearchWork>();
  shared->settings = settings;
  shared->space = space;
  shared->rule = rule;
  shared->base = trained_base(base, settings);
  check_mixing(shared->base, train, classes);
  shared->train = train;
  shared->validation = validation;
  shared->metric = metric;
  shared->normalisation = training_normalisation(settings, train);
  shared->info = new_checkpoint_info(settings, classes, *train.split, shared->normalisation);
  const std::vector<at::Device> devices = find_devices(settings.device);
  std::vector<std::shared_ptr<DeviceTurn>> turns;
  for (const at::Device device : devices) {
    turns.push_back(device.is_cpu() ? nullptr : std::make_shared<DeviceTurn>());
  }
  return [shared, devices, turns](int worker) -> std::unique_ptr<Trainer> {
    const size_t place = static_cast<size_t>(worker) % devices.size();
    return std::make_unique<NetworkTrainer>(shared, devices[place], turns[place]);
  };
}

}  // namespace popaug
