// Checks of a set before it costs a training.
#ifndef POPAUG_DATA_VERIFY_H_
#define POPAUG_DATA_VERIFY_H_

#include "popaug/data/dataset.h"

namespace popaug {

// What one check found. A fault would poison a result; the others are for the user to know.
struct Finding {
  std::string check;  // "unreadable", "size", "empty-class", "leak", "two-labels", "duplicate",
                      // "imbalance", "damaged"
  bool fault = false;
  std::string sentence;
  std::vector<std::string> images;  // those concerned; identical ones joined by " = "
};

struct Verification {
  std::string path, kind;
  size_t images = 0;
  std::vector<Finding> findings;
  bool sound() const;  // no faults
};

// Reads every image and compares all with all (by a hash of size and pixels). Throws Error only if
// the set cannot be opened at all.
Verification verify_dataset(const fs::path& path, const ReadOptions& options = {},
                            Progress& progress = silent_progress());

Json verification_json(const Verification& verification);

}  // namespace popaug

#endif  // POPAUG_DATA_VERIFY_H_
