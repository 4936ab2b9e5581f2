// A training that takes a moment, for tests.
#ifndef POPAUG_TESTS_TOY_TRAINING_H_
#define POPAUG_TESTS_TOY_TRAINING_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "popaug/train/train.h"

namespace popaug {

// Images whose class is the quarter that is bright, with noise.
inline ImageSet toy_split(size_t count, int side, int channels, uint64_t seed) {
  ImageSet split;
  split.name = "train";
  split.width = split.height = side;
  split.channels = channels;
  auto pixels = std::make_shared<std::vector<uint8_t>>(count * side * side * channels);
  Random random({seed, Purpose::kTest});
  for (size_t n = 0; n < count; ++n) {
    const uint32_t label = random.below(4);
    split.labels.push_back(label);
    for (int i = 0; i < side * side * channels; ++i) {
      const int y = i / channels / side, x = i / channels % side;
      const bool bright = (y >= side / 2) * 2u + (x >= side / 2) == label;
      (*pixels)[n * side * side * channels + i] =
          static_cast<uint8_t>(random.below(100) + (bright ? 100 : 40));
    }
  }
  split.pixels = *pixels;
  split.storage = pixels;
  return split;
}

inline Subset range(const ImageSet& split, uint32_t begin, uint32_t end) {
  Subset subset{&split, {}};
  for (uint32_t i = begin; i < end; ++i) subset.indices.push_back(i);
  return subset;
}

inline TrainSettings small_settings() {
  TrainSettings settings;
  settings.network = "wrn-10-1";
  settings.batch = 16;
  settings.lr = 0.05;
  return settings;
}

inline const std::vector<std::string> kClasses = {"a", "b", "c", "d"};

class TrainNetworkTest : public ::testing::Test {
 protected:
  Schedule schedule(int epochs) {
    Schedule schedule = stretch(baseline_schedule("flipcrop"), epochs);
    return schedule;
  }
  TrainReport train(const fs::path& to, const StopToken& stop, const TrainOptions& options = {},
                    Progress& progress = silent_progress()) {
    return train_network(settings_, stretch(baseline_schedule(augment_), 6), kClasses,
                         range(split_, 0, 96), 5, to, progress, stop, options);
  }

  std::string augment_ = "flipcrop";
  TrainSettings settings_ = small_settings();
  ImageSet split_ = toy_split(160, 16, 3, 2);
  TemporaryFolder folder_;
  StopToken never_;
};

// Requests a stop once the training is `share` done.
class StopAt : public Progress {
 public:
  StopAt(double share, StopToken& stop) : share_(share), stop_(stop) {}
  void update(double done, double total, const std::string&) override {
    if (done / total >= share_) stop_.request();
  }
  void line(const std::string&) override {}
  void event(const std::string&) override {}

 private:
  double share_;
  StopToken& stop_;
};

}  // namespace popaug

#endif  // POPAUG_TESTS_TOY_TRAINING_H_
