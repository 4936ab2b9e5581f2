// Places in an image, and how an op moves them.
#ifndef POPAUG_AUGMENT_PLACE_H_
#define POPAUG_AUGMENT_PLACE_H_

#include <array>
#include <optional>

namespace popaug {

struct CropBox {
  int left = 0, top = 0, width = 0, height = 0;
  bool operator==(const CropBox&) const = default;
};

// Where the place (x, y) of a result was before: x_in = m[0] x + m[1] y + m[2], y_in = m[3] x +
// m[4] y + m[5]. Places are in pixels from the upper left corner, so the centre of the first pixel
// is (0.5, 0.5).
using PlaceMatrix = std::array<double, 6>;
inline constexpr PlaceMatrix kNoMovement = {1, 0, 0, 0, 1, 0};

// First `inner`, then `outer`.
PlaceMatrix after(const PlaceMatrix& outer, const PlaceMatrix& inner);
// Enlarges the box to the whole image.
PlaceMatrix enlargement(const CropBox& box, int width, int height);

// What an op does to places.
struct OpMovement {
  PlaceMatrix matrix = kNoMovement;
  // Set by an op that enlarges this part of the image and blends pixels while it does. All others
  // take the nearest pixel.
  std::optional<CropBox> part = {};
};
// For a value with its sign, scaled to the image, and an image of this size.
using MoveFunction = OpMovement (*)(double value, int width, int height);

}  // namespace popaug

#endif  // POPAUG_AUGMENT_PLACE_H_
