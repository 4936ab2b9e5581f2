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
#include "popaug/augment/sampler.h"
#include "popaug/base/base.h"
#include "popaug/image/image.h"

namespace popaug {

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

// Where bytes go: element (n, c, y, x) at data[n*sn + c*sc + y*sy + x*sx]; a hole is the mean
// colour, rounded. Not owned.
struct ByteOutput {
  uint8_t* data = nullptr;
  ptrdiff_t sn = 0, sc = 0, sy = 0, sx = 0;
};

// Applies policies and base transforms to batches. Immutable after construction; run() may be
// called from several threads at once. Once warm (a first call with as many threads), images of
// built-in ops allocate nothing, but for those without a kernel: Blur, Smooth, CropBilinear,
// FlipUD, quarter turns.
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
  // The same images before normalisation.
  void run(const ByteBatch& images, std::span<const uint32_t> indices, const SampleKey& key,
           const ByteOutput& out, int threads = 1) const;

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
