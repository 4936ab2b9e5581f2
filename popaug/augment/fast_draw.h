// The draws of a Sampler, faster: the same words in the same order. Private to room augment.
#ifndef POPAUG_AUGMENT_FAST_DRAW_H_
#define POPAUG_AUGMENT_FAST_DRAW_H_

#include <array>
#include <cstdint>
#include <vector>

#include "popaug/augment/sampler.h"

namespace popaug {

// The words of Random under the same key (packed as base/random.h says), two Philox blocks at a
// time: their rounds do not wait for each other, so two cost little more than one.
class WordStream {
 public:
  WordStream(const SampleKey& key, Purpose purpose)
      : key_{static_cast<uint32_t>(key.seed), static_cast<uint32_t>(key.seed >> 32)},
        counter_{0, static_cast<uint32_t>(key.sample),
                 static_cast<uint32_t>(key.sample >> 32) | key.epoch << 8,
                 key.stream | static_cast<uint32_t>(purpose) << 24} {}

  uint32_t next32() {
    if (used_ == kWords) refill();
    return words_[used_++];
  }
  double uniform() {
    const uint64_t low = next32();
    const uint64_t word = low | uint64_t{next32()} << 32;
    return static_cast<double>(word >> 11) * 0x1.0p-53;
  }
  uint32_t below(uint32_t n) {
    uint64_t product = uint64_t{next32()} * n;
    if (static_cast<uint32_t>(product) < n) [[unlikely]] {
      const uint32_t threshold = -n % n;
      while (static_cast<uint32_t>(product) < threshold) product = uint64_t{next32()} * n;
    }
    return static_cast<uint32_t>(product >> 32);
  }
  bool chance(double p) { return uniform() < p; }

 private:
  static constexpr int kWords = 8;
  void refill();

  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, kWords> words_;
  int used_ = kWords;
};

// Everything about one image that is drawn outside ops. `key` must fit (stream_of checks it).
class FastSampler {
 public:
  // `base` is scaled to the image. The arguments have passed Sampler's checks.
  FastSampler(const Space& space, const Rule& rule, const Policy& policy,
              const BaseTransforms& base, int width, int height);
  // As Sampler::draw. Nothing but kPba without a mixture is worth a second version: the rest
  // goes through `plain`.
  int draw(const SampleKey& key, const Sampler& plain, Draw* out) const;
  BaseDraw draw_base(const SampleKey& key) const;

 private:
  struct Entry {
    double probability;
    Draw draw;
    bool is_signed;
  };
  bool pba_ = false;
  std::vector<Entry> active_;  // entries of probability > 0, in order
  std::vector<double> running_sums_;
  BaseTransforms base_;
  uint32_t width_, height_;
};

}  // namespace popaug

#endif  // POPAUG_AUGMENT_FAST_DRAW_H_
