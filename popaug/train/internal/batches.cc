#include "popaug/train/internal/batches.h"

#include <algorithm>
#include <map>
#include <utility>

#include "popaug/base/shuffle.h"

namespace popaug {

std::vector<uint32_t> epoch_order(std::span<const uint32_t> indices, uint64_t seed, uint64_t stream,
                                  uint64_t epoch) {
  std::vector<uint32_t> order(indices.begin(), indices.end());
  Random random({seed, Purpose::kShuffle, stream, epoch, 0});
  shuffle(order, random);
  return order;
}

namespace {

// What of an epoch draws from kShuffle, beside the plain shuffle of sample 0.
uint64_t class_order_sample(uint64_t round) { return 1 + (round << 20); }
uint64_t image_order_sample(uint64_t label, uint64_t repeat) {
  POPAUG_ASSERT(label < (1 << 20) - 2);
  return 2 + label + (repeat << 20);
}

std::map<uint32_t, std::vector<uint32_t>> by_class(std::span<const uint32_t> indices,
                                                   std::span<const uint32_t> labels) {
  std::map<uint32_t, std::vector<uint32_t>> classes;
  for (const uint32_t i : indices) classes[labels[i]].push_back(i);
  return classes;
}

}  // namespace

EpochOrder balanced_order(std::span<const uint32_t> indices, std::span<const uint32_t> labels,
                          uint64_t seed, uint64_t stream, uint64_t epoch) {
  std::map<uint32_t, std::vector<uint32_t>> classes = by_class(indices, labels);
  std::vector<uint32_t> names;
  for (const auto& [label, images] : classes) names.push_back(label);
  EpochOrder order;
  const RandomKey key{seed, Purpose::kShuffle, stream, epoch, 0};
  const auto shuffle_by = [&](uint64_t sample, std::vector<uint32_t>& items) {
    RandomKey drawn = key;
    drawn.sample = sample;
    Random random(drawn);
    shuffle(items, random);
  };
  for (uint64_t round = 0; order.images.size() < indices.size(); ++round) {
    shuffle_by(class_order_sample(round), names);
    for (const uint32_t label : names) {
      if (order.images.size() == indices.size()) break;
      std::vector<uint32_t>& images = classes[label];
      const uint64_t place = round % images.size(), repeat = round / images.size();
      if (place == 0) shuffle_by(image_order_sample(label, repeat), images);
      order.images.push_back(images[place]);
      order.repeats.push_back(static_cast<uint32_t>(repeat));
    }
  }
  return order;
}

std::vector<float> class_weights(std::span<const uint32_t> indices,
                                 std::span<const uint32_t> labels, size_t classes) {
  std::vector<float> weights(classes);
  const auto members = by_class(indices, labels);
  for (const auto& [label, images] : members) {
    const double even = double(indices.size()) / double(members.size());
    weights[label] = static_cast<float>(even / double(images.size()));
  }
  return weights;
}

int steps_per_epoch(size_t images, int batch) {
  if (batch < 1) throw UsageError("batch: " + std::to_string(batch) + " is not at least 1");
  if (images < static_cast<size_t>(batch)) {
    throw UsageError("setting \"batch\" " + std::to_string(batch) + " is more than the " +
                     std::to_string(images) + " training images; give setting \"batch\" " +
                     std::to_string(std::max<size_t>(1, images)) + " or less");
  }
  return static_cast<int>(images / batch);
}

}  // namespace popaug
