// Draws ops and base transforms for one image after another, about as fast as the ops themselves
// run, and gives exactly the draws of Sampler.
//
// A small image goes through the engine in about two microseconds, and one Philox block has ten
// dependent rounds of multiplications. Computed when they are needed, the blocks of an image would
// be a chain of latencies that takes a noticeable part of that time. Three things shorten it; none
// of them changes which word is used for what, so the results are those of Sampler bit for bit:
//
//   * The first two blocks of both streams of an image (ops, base transforms) are enough for most
//     images. PrefetchedDraws computes them for 32 images together, one block in each vector lane.
//   * If an image needs more, WordStream computes two blocks at a time: their rounds do not depend
//     on each other, so two cost little more than one.
//   * Visiting "the entries in random order until the count is used up" needs no full shuffle. A
//     Fisher-Yates shuffle is carried out only as far as entries are visited, and entries of
//     probability 0 are left out beforehand: they could never be applied. The distribution is the
//     same (tested against the closed form), with about a quarter of the random numbers.
//
// Only the PBA rule without a mixture has this second version. The other rules draw one or two
// numbers for each image, so they use Sampler itself.
#include "popaug/augment/internal/fast_draw.h"

#include <numeric>

#include "popaug/augment/internal/base_draw.h"

namespace popaug {

namespace {

struct Block {
  uint32_t c0, c1, c2, c3;

  // One round of Philox4x32; constants as in base/random.cc.
  [[gnu::always_inline]] void round(uint32_t k0, uint32_t k1) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
  }
};

}  // namespace

void WordStream::refill() {
  Block a{counter_[0], counter_[1], counter_[2], counter_[3]};
  Block b{counter_[0] + 1, counter_[1], counter_[2], counter_[3]};
  counter_[0] += 2;
  uint32_t k0 = key_[0], k1 = key_[1];
  for (int round = 0; round < 10; ++round) {
    a.round(k0, k1);
    b.round(k0, k1);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  words_ = {a.c0, a.c1, a.c2, a.c3, b.c0, b.c1, b.c2, b.c3};
  used_ = 0;
}

void PrefetchedDraws::make(const simd::DrawKernels& kernels, const SampleKey& key,
                           std::span<const uint32_t> indices) {
  uint32_t* to = counters_;
  for (const uint32_t index : indices) {
    SampleKey own = key;
    own.sample += index;
    for (const Purpose purpose : {Purpose::kAugment, Purpose::kBaseTransform}) {
      std::array<uint32_t, 4> counter = counter_of(own, purpose);
      for (counter[0] = 0; counter[0] < 2; ++counter[0], to += 4) {
        std::memcpy(to, counter.data(), sizeof(counter));
      }
    }
  }
  kernels.philox(philox_key(key).data(), counters_, 4 * indices.size(), words_);
}

FastSampler::FastSampler(const Space& space, const Rule& rule, const Policy& policy,
                         const BaseTransforms& base, int width, int height)
    : pba_(rule.kind == RuleKind::kPba && rule.mixture.empty()),
      base_(base),
      width_(width),
      height_(height) {
  if (!pba_) return;
  for (const PolicyEntry& entry : policy.entries) {
    if (entry.probability > 0) {
      active_.push_back({entry.probability,
                         {.op = entry.op, .level = entry.level},
                         space.ops[entry.op].is_signed});
    }
  }
  double sum = 0;
  for (const double weight : rule.count_weights) running_sums_.push_back(sum += weight);
  // More entries than a byte counts: the plain sampler does it.
  if (active_.size() > 256) pba_ = false;
}

int FastSampler::draw(const SampleKey& key, const uint32_t* first, const Sampler& plain,
                      Draw* out) const {
  if (!pba_) {
    Random random = stream_of(key, Purpose::kAugment);
    return plain.draw(random, out);
  }
  WordStream random(key, Purpose::kAugment, first);
  const double u = random.uniform();
  int count = 0;
  const int last = static_cast<int>(running_sums_.size()) - 1;
  while (count < last && u >= running_sums_[count]) ++count;
  if (count == 0) return 0;

  std::array<uint8_t, 256> unvisited;
  const auto entries = static_cast<uint32_t>(active_.size());
  std::iota(unvisited.begin(), unvisited.begin() + entries, uint8_t{0});
  int applied = 0;
  for (uint32_t left = entries; applied < count && left > 0;) {
    const uint32_t position = random.below(left);
    const Entry& entry = active_[unvisited[position]];
    unvisited[position] = unvisited[--left];
    if (!random.chance(entry.probability)) continue;
    out[applied] = entry.draw;
    if (entry.is_signed) out[applied].negative = (random.next32() & 1) != 0;
    ++applied;
  }
  return applied;
}

BaseDraw FastSampler::draw_base(const SampleKey& key, const uint32_t* first, MixDraw* mix) const {
  WordStream random(key, Purpose::kBaseTransform, first);
  const BaseDraw draw = base_draw::place(base_, width_, height_, random);
  if (mix != nullptr) *mix = base_draw::mix(base_, width_, height_, random);
  return draw;
}

BaseDraw FastSampler::draw_base_and_mix(const SampleKey& key, const uint32_t* first,
                                        std::span<const uint32_t> epoch, uint32_t own, MixDraw& mix,
                                        uint32_t& partner) const {
  WordStream random(key, Purpose::kBaseTransform, first);
  const BaseDraw draw = base_draw::place(base_, width_, height_, random);
  mix = base_draw::mix(base_, width_, height_, random);
  partner = own;
  if (mix.kind != MixKind::kNone) partner = base_draw::pick_partner(epoch, own, random);
  return draw;
}

}  // namespace popaug
