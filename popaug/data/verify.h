// Checks of a set before it costs a training.
#ifndef POPAUG_DATA_VERIFY_H_
#define POPAUG_DATA_VERIFY_H_

#include "popaug/data/near_duplicates.h"

namespace popaug {

// What one check found. A fault would poison a result; the others are for the user to know.
struct Finding {
  std::string check;  // "unreadable", "irregular", "damaged", "layout", "one-class", "empty-class",
                      // "similar-classes", "leak", "two-labels", "duplicate", "near-leak",
                      // "near-duplicate", "size", "imbalance"
  bool fault = false;
  std::string sentence;
  std::vector<std::string> images;  // those concerned; identical ones joined by " = "
};

// Two images of different splits that are nearly but not quite equal.
struct NearPair {
  std::string first, second;  // names
  double likeness = 0;        // kNearLikeness..1
  Image first_image, second_image;
};

struct Verification {
  std::string path, kind;
  size_t images = 0;
  std::vector<Finding> findings;
  std::vector<NearPair> near;  // most alike first
  bool sound() const;          // no faults
};

// Reads every image, compares all with all by a hash of size and pixels, and finds images of
// different splits that are nearly equal (near_duplicates.h). The first `pictured` of these pairs
// come with their images. Throws Error only if the set cannot be opened at all.
Verification verify_dataset(const fs::path& path, const ReadOptions& options = {},
                            Progress& progress = silent_progress(), size_t pictured = 0);

Json verification_json(const Verification& verification);

}  // namespace popaug

#endif  // POPAUG_DATA_VERIFY_H_
