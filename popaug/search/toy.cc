#include "popaug/search/toy.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>

namespace popaug {
namespace {

struct ToySettings {
  bool ramp = true;
  double noise = 0.002, diverge = 0;
  int64_t validation = 0, state = 64, milliseconds = 0;
  bool unequal = false;
};

ToySettings parse(const Json& json) {
  JsonReader reader(json, "toy trainer");
  ToySettings s;
  reader.text_or("kind", "toy");
  const std::string optimum = reader.text_or("optimum", "ramp");
  if (optimum != "ramp" && optimum != "constant") {
    reader.fail("optimum", "expected \"ramp\" or \"constant\"");
  }
  s.ramp = optimum == "ramp";
  s.noise = reader.number_or("noise", 0, 1, s.noise);
  s.diverge = reader.number_or("diverge", 0, 1, s.diverge);
  s.validation = reader.integer_or("validation", 0, 1 << 24, s.validation);
  s.state = reader.integer_or("state", 1, 1 << 24, s.state);
  s.milliseconds = reader.integer_or("milliseconds", 0, 1 << 20, s.milliseconds);
  s.unequal = reader.boolean_or("unequal", s.unequal);
  reader.finish();
  return s;
}

// Numbers that a checkpoint holds: earned and possible score so far, then a state that every
// epoch stirs, so that other bytes in would give other bytes out.
struct ToyState {
  double earned = 0, possible = 0;
  std::vector<double> stirred;
};

// A file in the safetensors format with one float64 tensor.
std::string to_bytes(const ToyState& state) {
  std::vector<double> numbers = {state.earned, state.possible};
  numbers.insert(numbers.end(), state.stirred.begin(), state.stirred.end());
  const uint64_t size = numbers.size() * sizeof(double);
  std::string header = json_line(
      {{"state", {{"dtype", "F64"}, {"shape", {numbers.size()}}, {"data_offsets", {0, size}}}}});
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(numbers.data()), size);
  return bytes;
}

ToyState from_bytes(std::string_view bytes, size_t stirred, const std::string& origin) {
  const size_t size = (stirred + 2) * sizeof(double);
  if (bytes.size() < size + 16) {
    throw Error(origin + " is not a checkpoint of this toy trainer: it is too short");
  }
  std::vector<double> numbers(stirred + 2);
  std::memcpy(numbers.data(), bytes.data() + bytes.size() - size, size);
  return {numbers[0], numbers[1], {numbers.begin() + 2, numbers.end()}};
}

class ToyTrainer : public Trainer {
 public:
  ToyTrainer(const Json& settings, const Space& space)
      : settings_(parse(settings)), search_levels_(space.search_levels) {}

  RoundResult run(const RoundWork& work, const std::function<void(double)>& heartbeat,
                  const StopToken& stop) override {
    const auto start = std::chrono::steady_clock::now();
    ToyState state;
    if (work.from.empty()) {
      Random random({work.seed, Purpose::kToy, static_cast<uint64_t>(work.member), 0, 1});
      for (int64_t i = 0; i < settings_.state; ++i) state.stirred.push_back(random.uniform());
    } else {
      state = from_bytes(read_file(work.from), static_cast<size_t>(settings_.state),
                         show_path(work.from));
    }
    RoundResult result;
    Random fate({work.seed, Purpose::kToy, static_cast<uint64_t>(work.member),
                 static_cast<uint64_t>(work.round), 4});
    if (fate.chance(settings_.diverge)) throw Diverged("the toy diverged", 500);
    for (int e = 0; e < work.epochs; ++e) {
      train_epoch(work, work.first_epoch + e, state, result);
      rest(work.member, stop);
      if (stop.requested()) throw Interrupted("the toy trainer was stopped");
      heartbeat((e + 1.0) / work.epochs);
    }
    if (work.evaluate) evaluate(work, state, result);
    if (!work.to.empty()) write_file_atomic(work.to, to_bytes(state));
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

 private:
  void train_epoch(const RoundWork& work, int epoch, ToyState& state, RoundResult& result) const {
    const double time = (epoch + 0.5) / work.total_epochs;
    const double best = settings_.ramp ? 0.8 * time : 0.5;
    const double scale = std::max(1, search_levels_);
    double distance = 0;
    for (const PolicyEntry& entry : work.policy.entries) {
      const double p = entry.probability - best, level = entry.level / scale - best;
      distance += (p * p + level * level) / 2;
    }
    distance /= static_cast<double>(std::max<size_t>(1, work.policy.entries.size()));
    const double weight = 1 + time;
    state.earned += weight * (1 - distance);
    state.possible += weight;
    for (double& number : state.stirred) number = std::fmod(number * 3.7 + distance + 0.1, 1.0);
    result.metrics["train_loss"] = distance;
    result.images_trained += 1000;
  }

  void evaluate(const RoundWork& work, const ToyState& state, RoundResult& result) const {
    const double quality = state.earned / state.possible;
    const auto member = static_cast<uint64_t>(work.member);
    const int epoch = work.first_epoch + work.epochs;
    Random random({work.seed, Purpose::kToy, member, static_cast<uint64_t>(epoch), 2});
    result.score = quality + settings_.noise * random.normal();
    result.metrics["quality"] = quality;
    if (settings_.validation == 0) return;
    // Image i is right when the network is better than the image is hard.
    Random hard({work.seed, Purpose::kToy, 0, 0, 3});
    int64_t right = 0;
    for (int64_t i = 0; i < settings_.validation; ++i) {
      const double difficulty = hard.uniform();
      const bool correct = difficulty + 10 * settings_.noise * random.normal() < quality;
      result.correct.push_back(correct);
      right += correct;
    }
    result.score = static_cast<double>(right) / static_cast<double>(settings_.validation);
    result.images_evaluated = settings_.validation;
  }

  void rest(int member, const StopToken& stop) const {
    int64_t left = settings_.milliseconds * (settings_.unequal ? 1 + member % 4 : 1);
    while (left > 0 && !stop.requested()) {
      const int64_t nap = std::min<int64_t>(left, 20);
      std::this_thread::sleep_for(std::chrono::milliseconds(nap));
      left -= nap;
    }
  }

  ToySettings settings_;
  int search_levels_;
};

}  // namespace

std::unique_ptr<Trainer> make_toy_trainer(const Json& settings, const Space& space) {
  return std::make_unique<ToyTrainer>(settings, space);
}

TrainerFactory make_toy_trainer_factory(const SearchSettings& settings) {
  parse(settings.trainer);  // faults show before any worker starts
  return [trainer = settings.trainer, space = settings.space](int) {
    return make_toy_trainer(trainer, space);
  };
}

}  // namespace popaug
