// The engine: draws -> ops on RGBA8 -> base transforms -> normalised float32 (or bytes) in the
// caller's buffer, one pass per image.
#ifndef POPAUG_AUGMENT_AUGMENTER_H_
#define POPAUG_AUGMENT_AUGMENTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "popaug/augment/policy.h"
#include "popaug/base/base.h"
#include "popaug/image/image.h"

namespace popaug {

// Who an image is drawn for; with the seed, the whole of its randomness (DESIGN 4.2).
struct SampleKey {
  uint64_t seed = 0;
  uint32_t stream = 0;  // member or arm
  uint32_t epoch = 0;
  uint64_t sample = 0;  // index of the image in its data set
};

// One op drawn for one image.
struct Draw {
  int op = 0;  // index into the space
  int level = 0;
  bool negative = false;
};

// Per channel, on the 0..1 scale: (byte / 255 - mean) / std. One or three channels. Computed as
// float(byte) * scale + offset in float32, both steps rounded, never fused, where
// scale = float(1 / (255 * std)) and offset = float(-mean / std) come from doubles; a hole is 0.
struct Normalisation {
  std::vector<float> mean;
  std::vector<float> std;
};

// A batch of equally sized images as bytes, grey (1 channel) or RGB (3), row-major HWC, `stride`
// bytes from image to image. Not owned.
struct ByteBatch {
  const uint8_t* data = nullptr;
  int width = 0, height = 0, channels = 3;
  size_t stride = 0;
};

// Where float32 goes: element (n, c, y, x) at data[n*sn + c*sc + y*sy + x*sx]. Not owned.
struct FloatBatch {
  float* data = nullptr;
  ptrdiff_t sn = 0, sc = 0, sy = 0, sx = 0;
};

// Draws for one image under a policy: pure, the same on every machine. The order of draws from the
// image's stream (Purpose::kAugment, key) is part of the results that popaug promises to repeat:
//   kPba           uniform() against the running sums of count_weights gives the count; if it is not
//                  0, the entries of probability > 0 are visited in random order, drawn lazily: of n
//                  entries not yet visited, below(n) picks position j, the last unvisited entry takes
//                  its place; chance(probability) applies it, then next32() & 1 is the sign if the op
//                  is signed; the count used up or no entry left ends it.
//   kSubPolicies   below(groups), then for each entry chance(probability), and the sign as above.
//   kRandAugment   `count` times below(entries), and the sign.
//   kTrivial       below(entries), below(levels), and the sign.
// What an op itself draws (Cutout's centre) comes from the stream Purpose::kOp, in the order of ops.
std::vector<Draw> draw_ops(const Space& space, const Rule& rule, const Policy& policy,
                           const SampleKey& key);

// Draws of the base transforms, from the stream Purpose::kBaseTransform in this order, each only if
// the transform is on: below(2 * pad + 1) and again (left and upper edge of the crop in the padded
// image), chance(flip), below(width) and below(height) (centre of the cutout: the square starts
// cutout / 2 before it and is clipped).
//
// Applies policies and base transforms to batches. Immutable after construction; run() may be
// called from several threads at once.
class Augmenter {
 public:
  // Checks everything (sizes 1..16384, channels, NaN) and prepares tables. `policy` must fit
  // `space` and `rule`.
  Augmenter(const Space& space, const Rule& rule, const Policy& policy, const BaseTransforms& base,
            const Normalisation& normalisation, int width, int height, int channels);
  ~Augmenter();

  // Augments images[indices[i]] with the key (key.seed, key.stream, key.epoch, indices[i] +
  // key.sample) into position i of `out`, for all i. Results do not depend on the batch's
  // composition, order or `threads`.
  void run(const ByteBatch& images, std::span<const uint32_t> indices, const SampleKey& key,
           const FloatBatch& out, int threads = 1) const;

  // One image to RGBA8 with holes at alpha 0, before normalisation: what run() normalises.
  Image augment(const Image& image, const SampleKey& key) const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

// Only normalisation: for evaluation.
void normalise(const ByteBatch& images, std::span<const uint32_t> indices,
               const Normalisation& normalisation, const FloatBatch& out);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_AUGMENTER_H_
