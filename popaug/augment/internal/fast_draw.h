// The draws of a Sampler, faster: the same words in the same order.
#ifndef POPAUG_AUGMENT_INTERNAL_FAST_DRAW_H_
#define POPAUG_AUGMENT_INTERNAL_FAST_DRAW_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "popaug/augment/internal/kernels.h"
#include "popaug/augment/sampler.h"

namespace popaug {

// The Philox counter of a key's first block (packed as base/random.h says).
inline std::array<uint32_t, 4> counter_of(const SampleKey& key, Purpose purpose) {
  return {0, static_cast<uint32_t>(key.sample),
          static_cast<uint32_t>(key.sample >> 32) | key.epoch << 8,
          key.stream | static_cast<uint32_t>(purpose) << 24};
}
inline std::array<uint32_t, 2> philox_key(const SampleKey& key) {
  return {static_cast<uint32_t>(key.seed), static_cast<uint32_t>(key.seed >> 32)};
}

// The words of Random under the same key, two Philox blocks at a time: their rounds do not wait for
// each other, so two cost little more than one. The first two blocks are given.
class WordStream {
 public:
  static constexpr int kWords = 8;

  WordStream(const SampleKey& key, Purpose purpose, const uint32_t* first)
      : key_(philox_key(key)), counter_(counter_of(key, purpose)) {
    counter_[0] = 2;
    std::memcpy(words_.data(), first, sizeof(words_));
  }

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
  void refill();

  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, kWords> words_;
  int used_ = 0;
};

// The first words of both streams of some images, made together: blocks side by side.
class PrefetchedDraws {
 public:
  static constexpr size_t kMost = 32;
  // Of images key.sample + indices[i], at most kMost. `key` must fit (stream_of checks it).
  void make(const simd::DrawKernels& kernels, const SampleKey& key,
            std::span<const uint32_t> indices);
  const uint32_t* augment(size_t i) const { return words_ + 2 * WordStream::kWords * i; }
  const uint32_t* base(size_t i) const { return augment(i) + WordStream::kWords; }

 private:
  alignas(64) uint32_t counters_[2 * WordStream::kWords * kMost];
  alignas(64) uint32_t words_[2 * WordStream::kWords * kMost];
};

// Everything about one image that is drawn outside ops. `key` must fit (stream_of checks it).
class FastSampler {
 public:
  // `base` is scaled to the image. The arguments have passed Sampler's checks.
  FastSampler(const Space& space, const Rule& rule, const Policy& policy,
              const BaseTransforms& base, int width, int height);
  // As Sampler::draw; `first` are the first words of the image. Nothing but kPba without a mixture
  // is worth a second version: the rest goes through `plain`.
  int draw(const SampleKey& key, const uint32_t* first, const Sampler& plain, Draw* out) const;
  // `mix`: how the image is mixed, if anybody asks.
  BaseDraw draw_base(const SampleKey& key, const uint32_t* first, MixDraw* mix = nullptr) const;
  // ... and how the image is mixed with which image of `epoch`. `own` is the image itself.
  BaseDraw draw_base_and_mix(const SampleKey& key, const uint32_t* first,
                             std::span<const uint32_t> epoch, uint32_t own, MixDraw& mix,
                             uint32_t& partner) const;

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
  int width_, height_;
};

}  // namespace popaug

#endif  // POPAUG_AUGMENT_INTERNAL_FAST_DRAW_H_
