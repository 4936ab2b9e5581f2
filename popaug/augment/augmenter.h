// The engine: draws -> ops on RGBA8 -> base transforms -> normalised float32 (or bfloat16, or
// bytes) in the caller's buffer, one pass per image.
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

// Where bfloat16 goes: the bits of element (n, c, y, x) at data[n*sn + c*sc + y*sy + x*sx]. Its
// value is the float32 of a FloatBatch, rounded to the nearest bfloat16, ties to even. Not owned.
struct BFloat16Batch {
  uint16_t* data = nullptr;
  ptrdiff_t sn = 0, sc = 0, sy = 0, sx = 0;
};

// Where bytes go: element (n, c, y, x) at data[n*sn + c*sc + y*sy + x*sx]; a hole is the mean
// colour, rounded. Not owned.
struct ByteOutput {
  uint8_t* data = nullptr;
  ptrdiff_t sn = 0, sc = 0, sy = 0, sx = 0;
};

// What an image of a batch was mixed with.
struct Mixed {
  uint32_t partner = 0;  // index of the other image; its own index where it was not mixed
  float share = 1;       // of the image itself, and of its label; the partner has the rest
};

// What CutMix and mixup need beside a batch: the other images, and a place for what they did. Not
// owned.
struct Mixing {
  std::span<const uint32_t> epoch;  // the images of the epoch, from which partners are drawn
  Mixed* mixed = nullptr;           // one for each image of the batch
};

// An image and the one that it is mixed with, wherever they lie: bytes of the shape of the
// augmenter, without gaps, and their numbers in the data set. Not owned.
struct ImagePair {
  const uint8_t* image = nullptr;
  uint64_t sample = 0;
  const uint8_t* partner = nullptr;  // null: the image is not mixed
  uint64_t partner_sample = 0;
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

  // Whether the base transforms contain a random resized crop. Then the images of a ByteBatch may
  // have another size than the augmenter, all the same one: a part of them becomes an image of the
  // augmenter's size, sharper than one of an image that was brought to this size before.
  bool cuts() const;

  // Augments images[indices[i]] with the key (key.seed, key.stream, key.epoch, indices[i] +
  // key.sample) into position i of `out`, for all i. Results do not depend on the batch's
  // composition, order or `threads`.
  //
  // Base transforms that mix need `mixing`: each image draws its partner from mixing.epoch, and
  // mixing.mixed[i] says which one image i got and how much of it. The partner goes through its own
  // ops and base transforms under its own key first, as if it were an image of the batch that is
  // not mixed. Throws UsageError without such images (check_partners).
  void run(const ByteBatch& images, std::span<const uint32_t> indices, const SampleKey& key,
           const FloatBatch& out, int threads = 1, const Mixing& mixing = {}) const;
  // The same values as bfloat16.
  void run(const ByteBatch& images, std::span<const uint32_t> indices, const SampleKey& key,
           const BFloat16Batch& out, int threads = 1, const Mixing& mixing = {}) const;
  // The same images before normalisation.
  void run(const ByteBatch& images, std::span<const uint32_t> indices, const SampleKey& key,
           const ByteOutput& out, int threads = 1, const Mixing& mixing = {}) const;

  // The same for images that do not lie in one batch: pair i, with the draws of its samples, into
  // position i of `out`. The caller has drawn the partners (draw_partner).
  void run(std::span<const ImagePair> pairs, const SampleKey& key, const FloatBatch& out,
           int threads = 1) const;
  void run(std::span<const ImagePair> pairs, const SampleKey& key, const BFloat16Batch& out,
           int threads = 1) const;
  void run(std::span<const ImagePair> pairs, const SampleKey& key, const ByteOutput& out,
           int threads = 1) const;

  // One image to RGBA8 with holes at alpha 0, before normalisation: what run() normalises. It is
  // never mixed: it is also what an image gives as a partner.
  Image augment(const Image& image, const SampleKey& key) const;

 private:
  struct Plan;
  std::unique_ptr<Plan> plan_;
};

// Only normalisation: for evaluation.
void normalise(const ByteBatch& images, std::span<const uint32_t> indices,
               const Normalisation& normalisation, const FloatBatch& out);
void normalise(const ByteBatch& images, std::span<const uint32_t> indices,
               const Normalisation& normalisation, const BFloat16Batch& out);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_AUGMENTER_H_
