#include "popaug/augment/internal/levels.h"

namespace popaug::levels {

// torch counts from the nearer end, and from the far end with one rounding for multiply and
// subtract together (exact here in double, then rounded).
std::vector<double> linspace(double end) {
  const float last = static_cast<float>(end);
  const float step = last / static_cast<float>(kTorchvision - 1);
  return table(kTorchvision, [=](int bin) -> double {
    if (bin < kTorchvision / 2) return step * static_cast<float>(bin);
    return static_cast<float>(double{last} - double{step} * (kTorchvision - 1 - bin));
  });
}

}  // namespace popaug::levels
