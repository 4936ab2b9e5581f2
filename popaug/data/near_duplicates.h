// Images that are nearly equal: the same picture resized, compressed again, brighter or darker.
//
// Comparing all pairs of n images takes n^2 / 2 steps. Instead, each image gets a hash of 64 bits
// that changes in few bits if the picture changes little, and an index finds hashes that differ in
// at most 7 bits. With the hash cut into 4 bands, two such hashes have a band that differs in at
// most one bit (multi-index hashing: Norouzi, Punjani, Fleet, CVPR 2012). So it is enough to look
// up 17 values in each of 4 tables. What the index finds is then compared as small pictures.
//
// The hash holds the signs of the low frequencies of a cosine transform, about their median. Both
// thresholds and how often they are wrong: docs/decisions/near-duplicates.md.
#ifndef POPAUG_DATA_NEAR_DUPLICATES_H_
#define POPAUG_DATA_NEAR_DUPLICATES_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "popaug/data/dataset.h"

namespace popaug {

inline constexpr int kNearBits = 7;            // of 64 that may differ
inline constexpr double kNearLikeness = 0.98;  // correlation of two small pictures, at least

// An image as the search for near-duplicates sees it: grey, and small.
struct ImageSketch {
  static constexpr int kSide = 16;
  uint64_t hash = 0;
  std::array<uint8_t, kSide * kSide> picture{};
  bool flat = true;  // hardly any contrast: alike to nothing
};
ImageSketch sketch_of(const Image& image);

// The correlation of the two small pictures, -1..1; 0 if one is flat.
double likeness(const ImageSketch& a, const ImageSketch& b);

struct NearDuplicates {
  // Image `second` is nearly equal to `first`, which is of an earlier part.
  struct Pair {
    uint32_t first = 0, second = 0;
    double likeness = 0;
  };
  // For each image that has one: the most alike image of an earlier part. Most alike first.
  std::vector<Pair> between;
  // [images] the lowest index among the images that pairs connect, of any part.
  std::vector<uint32_t> cluster;
  // Images that have so many candidates that not all were compared.
  size_t unfinished = 0;
};
// `part` [images] says which part (split) an image belongs to, in rising order. The result does not
// depend on `threads` (0: all cores).
NearDuplicates find_near_duplicates(std::span<const ImageSketch> sketches,
                                    std::span<const uint32_t> part, int threads = 0);

// The sketches of all images of a split.
std::vector<ImageSketch> sketches_of(const ImageSet& split, int threads = 0);

// The split with groups that keep near-duplicates together, besides the groups that it has.
// `clusters` receives how many groups of several images near-duplicates made or joined.
ImageSet group_duplicates(const ImageSet& split, size_t* clusters, int threads = 0);

}  // namespace popaug

#endif  // POPAUG_DATA_NEAR_DUPLICATES_H_
