// Where an augmentation moves the pixels of an image, for what must move with them: masks, boxes,
// points.
#ifndef POPAUG_AUGMENT_MOVEMENT_H_
#define POPAUG_AUGMENT_MOVEMENT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "popaug/augment/augmenter.h"
#include "popaug/augment/place.h"

namespace popaug {

struct Place {
  double x = 0, y = 0;
};
struct PlaceBox {
  double left = 0, top = 0, right = 0, bottom = 0;
};

// What happened to the places of one image.
class Movement {
 public:
  // `sources`: as sources() says, width * height of them.
  Movement(int width, int height, const PlaceMatrix& matrix, std::vector<int32_t> sources);

  const PlaceMatrix& matrix() const { return matrix_; }
  // The number y * width + x of the pixel that each pixel of the result shows; -1 where it shows
  // none.
  const std::vector<int32_t>& sources() const { return sources_; }

  // The mask moved pixel by pixel, as the image was, so that no label is invented: width * height
  // values, row by row. `fill`: the value where nothing was.
  template <typename T>
  std::vector<T> mask(std::span<const T> given, T fill) const {
    POPAUG_ASSERT(given.size() == sources_.size());
    std::vector<T> moved(given.size(), fill);
    for (size_t i = 0; i < moved.size(); ++i) {
      if (sources_[i] >= 0) moved[i] = given[static_cast<size_t>(sources_[i])];
    }
    return moved;
  }
  // Where a place of the image is in the result; it may lie outside.
  Place point(Place given) const;
  // The upright box around the moved corners, clipped to the image: a box that left it has no area.
  PlaceBox box(const PlaceBox& given) const;

 private:
  int width_, height_;
  PlaceMatrix matrix_, forward_;
  std::vector<int32_t> sources_;
};

// Draws movements under the keys with which an Augmenter of the same space, rule and base
// transforms augments images. Not thread safe.
class MovementSampler {
 public:
  MovementSampler(Space space, Rule rule, const BaseTransforms& base);
  ~MovementSampler();

  // Throws UsageError for an op of the user, whose movement nobody knows, for more than 2^24
  // pixels, and as Augmenter does. Mixing is left out: what it moves comes from another image.
  Movement draw(const Policy& policy, const SampleKey& key, int width, int height);

 private:
  const Augmenter& base_pass(int width, int height);

  Space space_;
  Rule rule_;
  BaseTransforms base_;
  std::unique_ptr<Augmenter> pass_;
  int width_ = 0, height_ = 0;
};

}  // namespace popaug

#endif  // POPAUG_AUGMENT_MOVEMENT_H_
