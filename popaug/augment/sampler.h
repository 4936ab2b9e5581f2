// Draws: which ops, how strongly, and where the base transforms fall, for one image.
//
// The order of draws from an image's streams is part of the results that popaug promises to repeat.
// From Purpose::kAugment:
//   kPba           uniform() against the running sums of count_weights gives the count; if it is
//   not
//                  0, the entries of probability > 0 are visited in random order, drawn lazily: of
//                  n entries not yet visited, below(n) picks position j, the last unvisited entry
//                  takes its place; chance(probability) applies it, then next32() & 1 is the sign
//                  if the op is signed; the count used up or no entry left ends it.
//   kSubPolicies   below(groups), then for each entry chance(probability), and the sign as above.
//   kRandAugment   `count` times below(entries), and the sign.
//   kTrivial       below(entries), below(levels), and the sign.
// A mixture first draws uniform() against the running sums of its weights for the part; a policy
// without entries draws nothing more.
// What an op itself draws (Cutout's centre) comes from Purpose::kOp, in the order of ops.
// From Purpose::kBaseTransform, each only if the transform is on: below(2 * pad + 1) twice (left
// and upper edge of the crop in the padded image), chance(flip), chance(vflip), chance(turn) and,
// if it is turned, below(3) (quarter turns less one), below(width) and below(height) (centre of the
// cutout: the square starts cutout / 2 before it and is clipped), chance(erase) and its rectangle
// (internal/base_draw.h), and for noise two words, which seed it. Then, from the same stream, what
// it is mixed with: chance(cutmix), chance(mixup), for both of them next32() & 1 (0: CutMix), the
// share from Beta(alpha, alpha), for CutMix below(width) and below(height) (centre of the box), and
// below(images of the epoch) until that is not the image itself.
// The part of a random resized crop comes from Purpose::kResizedCrop (photo.h).
#ifndef POPAUG_AUGMENT_SAMPLER_H_
#define POPAUG_AUGMENT_SAMPLER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "popaug/augment/policy.h"
#include "popaug/base/base.h"

namespace popaug {

// Identifies the random stream of one image: the seed and these fields determine every draw
// (docs/architecture.md#randomness-is-a-value).
struct SampleKey {
  uint64_t seed = 0;
  uint32_t stream = 0;  // member or arm
  uint32_t epoch = 0;
  uint64_t sample = 0;  // index of the image in its data set
};

// The stream of one purpose under a key; Error if a field does not fit (base/random.h).
Random stream_of(const SampleKey& key, Purpose purpose);

// One op drawn for one image.
struct Draw {
  int op = 0;  // index into the space
  int level = 0;
  bool negative = false;
  bool operator==(const Draw&) const = default;
};

// A rectangle of pixels: columns left .. right - 1, rows top .. bottom - 1.
struct PixelBox {
  int left = 0, top = 0, right = 0, bottom = 0;
  double area() const { return double{1} * (right - left) * (bottom - top); }
  bool operator==(const PixelBox&) const = default;
};

// Where the base transforms fall. Pixels; meaningful only for transforms that are on.
struct BaseDraw {
  int crop_x = 0, crop_y = 0;  // left and upper edge of the crop in the padded image
  bool flip = false, vflip = false;
  int turns = 0;                   // quarter turns against the clock, 0..3
  int cutout_x = 0, cutout_y = 0;  // centre
  PixelBox erase;                  // empty: nothing is erased
  uint64_t noise_seed = 0;         // of the noise in it
  bool erases() const { return erase.right > erase.left; }
};

// How an image is mixed with its partner.
enum class MixKind { kNone, kCutMix, kMixup };
struct MixDraw {
  MixKind kind = MixKind::kNone;
  PixelBox box;      // kCutMix: what the partner gives; it may be empty
  int weight = 256;  // kMixup: of the image itself, in parts of 256
  double share = 1;  // of the image itself in the result, and so of its label
};

// A rule and a policy, checked and prepared. Immutable, thread safe, no allocation in draw().
class Sampler {
 public:
  // Error as check_policy.
  Sampler(const Space& space, const Rule& rule, const Policy& policy);

  // The most ops that one image can get.
  int max_draws() const { return max_draws_; }
  // Writes the draws to `out` (room for max_draws()) and returns how many there are. `random` is
  // the stream Purpose::kAugment.
  int draw(Random& random, Draw* out) const;

 private:
  int draw_part(Random& random, Draw* out) const;
  int draw_pba(Random& random, Draw* out) const;
  int draw_group(Random& random, Draw* out) const;
  int draw_randaugment(Random& random, Draw* out) const;
  int draw_trivial(Random& random, Draw* out) const;
  Draw make(int entry, int level, Random& random) const;

  Rule rule_;
  int levels_;
  std::vector<PolicyEntry> entries_;
  std::vector<bool> signed_;          // per op of the space
  std::vector<uint16_t> active_;      // entries of probability > 0, in order
  std::vector<double> running_sums_;  // of count_weights
  std::vector<double> part_sums_;     // running, of the mixture
  std::vector<Sampler> parts_;        // of the mixture; else empty
  int max_draws_ = 0;
};

// Draws of the base transforms, already scaled to the image; `random` is the stream
// Purpose::kBaseTransform.
BaseDraw draw_base(const BaseTransforms& scaled, int width, int height, Random& random);

// How the image is mixed, from the same stream after draw_base(); kNone where `base` does not mix.
MixDraw draw_mix(const BaseTransforms& base, int width, int height, Random& random);
// The partner, from the same stream after draw_mix(): each other image of the epoch as likely.
// `epoch` must have an image other than `own` (check_partners).
uint32_t draw_partner(std::span<const uint32_t> epoch, uint32_t own, Random& random);
// Throws UsageError unless there are two different images to mix.
void check_partners(const BaseTransforms& base, std::span<const uint32_t> epoch);
// One draw from Beta(alpha, alpha).
double draw_beta(double alpha, Random& random);

// Draws for one image under a policy: pure, the same on every machine. Checks the policy each time;
// for many images make a Sampler.
std::vector<Draw> draw_ops(const Space& space, const Rule& rule, const Policy& policy,
                           const SampleKey& key);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_SAMPLER_H_
