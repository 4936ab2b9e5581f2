// Random orders.
#ifndef POPAUG_BASE_SHUFFLE_H_
#define POPAUG_BASE_SHUFFLE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "popaug/base/random.h"

namespace popaug {

// Every order is equally likely (Fisher and Yates): takes below(n), below(n - 1), ..., below(2).
template <typename T>
void shuffle(std::vector<T>& items, Random& random) {
  for (size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[random.below(static_cast<uint32_t>(i))]);
  }
}

}  // namespace popaug

#endif  // POPAUG_BASE_SHUFFLE_H_
