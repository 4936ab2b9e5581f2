#include "popaug/data/levels.h"

#include <algorithm>

namespace popaug::source {

bool is_sixteen_bits(const std::vector<std::string>& decode_notes) {
  return std::any_of(decode_notes.begin(), decode_notes.end(), [](const std::string& note) {
    return note.find("16-bit samples") != note.npos;
  });
}

std::vector<Finding> level_findings(const Levels& levels) {
  constexpr size_t kFew = 64;
  const size_t count = levels.seen.count();
  if (count == 1) {
    return {{"constant",
             true,
             "every pixel of every image has the same value: the images are identical and the "
             "standard deviation is 0. Drawings on a transparent ground look like this if their "
             "colour is that of the background: try setting \"background\" white",
             {}}};
  }
  if (count == 0 || count > kFew || !levels.sixteen_bits) return {};
  size_t low = 0, high = 255;
  while (!levels.seen.test(low)) ++low;
  while (!levels.seen.test(high)) --high;
  if (low == 0 && high == 255) return {};  // they use the whole range: there is nothing to stretch
  return {{"few-levels",
           false,
           "16-bit samples use a small part of their range: of 256 levels " +
               std::to_string(count) + " are left, from " + std::to_string(low) + " to " +
               std::to_string(high) + "; setting \"range\" auto stretches them",
           {}}};
}

}  // namespace popaug::source
