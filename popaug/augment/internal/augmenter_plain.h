// The pipeline written to be read: the specification of Augmenter, one pixel at a time.
#ifndef POPAUG_AUGMENT_INTERNAL_AUGMENTER_PLAIN_H_
#define POPAUG_AUGMENT_INTERNAL_AUGMENTER_PLAIN_H_

#include "popaug/augment/augmenter.h"

namespace popaug::plain {

struct Pipeline {
  Space space;
  Rule rule;
  Policy policy;
  BaseTransforms base;
  Normalisation normalisation;
  int channels = 3;
};

// Ops, then base transforms, on RGBA8.
Image augment(const Pipeline& pipeline, const Image& image, const SampleKey& key);

// bytes -> augment(), mixed with that of the partner -> normalised float32. Arguments as
// Augmenter::run, unchecked.
void run(const Pipeline& pipeline, const ByteBatch& images, std::span<const uint32_t> indices,
         const SampleKey& key, const FloatBatch& out, const Mixing& mixing = {});

// The same, each number rounded to the nearest bfloat16, ties to even.
void run(const Pipeline& pipeline, const ByteBatch& images, std::span<const uint32_t> indices,
         const SampleKey& key, const BFloat16Batch& out, const Mixing& mixing = {});

// The same as bytes, the rounded mean colour in holes.
void run(const Pipeline& pipeline, const ByteBatch& images, std::span<const uint32_t> indices,
         const SampleKey& key, const ByteOutput& out, const Mixing& mixing = {});

// byte * scale + offset, both steps rounded to float32; holes are 0.
void write_normalised(const Image& image, const Normalisation& normalisation, size_t position,
                      const FloatBatch& out);
void write_normalised(const Image& image, const Normalisation& normalisation, size_t position,
                      const BFloat16Batch& out);

}  // namespace popaug::plain

#endif  // POPAUG_AUGMENT_INTERNAL_AUGMENTER_PLAIN_H_
