// Images of a set as they look mirrored or turned.
#ifndef POPAUG_TRAIN_INTERNAL_TURNED_IMAGES_H_
#define POPAUG_TRAIN_INTERNAL_TURNED_IMAGES_H_

#include <cstdint>
#include <vector>

#include "popaug/train/settings.h"

namespace popaug {

// One of the eight flips and turns of a square: the image is transposed, then its columns are
// reversed, then its rows.
struct Turn {
  bool transpose = false, reverse_columns = false, reverse_rows = false;
};

inline constexpr Turn kMirror = {false, true, false};
// All others but the identity; those that transpose need square images.
inline constexpr Turn kOtherTurns[] = {{false, false, true}, {false, true, true},
                                       {true, false, false}, {true, true, false},
                                       {true, false, true},  {true, true, true}};

// Copies of up to `most` images of a subset, evenly spaced in its order, turned. Holds their
// pixels.
class TurnedImages {
 public:
  TurnedImages(const Subset& subset, int64_t most, Turn turn);
  TurnedImages(const TurnedImages&) = delete;
  TurnedImages& operator=(const TurnedImages&) = delete;
  const Subset& subset() const { return subset_; }

 private:
  std::vector<uint8_t> pixels_;
  ImageSet images_;
  Subset subset_;
};

}  // namespace popaug

#endif  // POPAUG_TRAIN_INTERNAL_TURNED_IMAGES_H_
