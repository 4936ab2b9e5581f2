// Integers that stand for a blend in float32: found, and proved, by going through all differences.
#include "popaug/augment/internal/find_blend.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace popaug::simd {
namespace {

constexpr int kMost = 255;
// [difference + 255]: what the blend adds to `to`.
using Steps = std::array<int, 2 * kMost + 1>;

int plain_blend(float factor, int from, int difference) {
  const float v = static_cast<float>(from) + factor * static_cast<float>(difference);
  return static_cast<int>(std::clamp(v, 0.0f, 255.0f));
}

// from + round(factor * difference) rounds once more, which matters only where the product lies
// just below an integer; then every `from` must agree.
bool agrees(float factor, int difference, int floor_of_product) {
  for (int from = std::max(0, -difference); from <= std::min(kMost, kMost - difference); ++from) {
    const int expected = std::clamp(from + floor_of_product, 0, kMost);
    if (plain_blend(factor, from, difference) != expected) return false;
  }
  return true;
}

bool find_steps(float factor, Steps& steps) {
  for (int difference = -kMost; difference <= kMost; ++difference) {
    const double product = factor * static_cast<float>(difference);
    int floor_of_product = static_cast<int>(std::floor(product));
    if (product - floor_of_product >= 1 - 0x1p-14 &&
        !agrees(factor, difference, floor_of_product) &&
        !agrees(factor, difference, ++floor_of_product)) {
      return false;
    }
    steps[difference + kMost] = floor_of_product - difference;
  }
  return true;
}

bool proves(const Blend& blend, const Steps& steps) {
  for (int difference = -kMost; difference <= kMost; ++difference) {
    const int product = (64 * difference + blend.bias) * blend.gain;
    if (product >> 16 >> blend.shift != steps[difference + kMost]) return false;
  }
  return true;
}

// The bias in the middle of those that `blend.gain` allows.
bool find_bias(Blend& blend, const Steps& steps) {
  const double unit = std::ldexp(1.0, 16 + blend.shift) / blend.gain;
  double low = -64, high = 64;
  for (int difference = -kMost; difference <= kMost; ++difference) {
    const int step = steps[difference + kMost];
    const double one = step * unit - 64 * difference, other = one + unit;
    low = std::max(low, std::min(one, other));
    high = std::min(high, std::max(one, other));
  }
  if (low > high) return false;
  blend.bias = static_cast<int16_t>(std::lround((low + high) / 2));
  return proves(blend, steps);
}

}  // namespace

Blend find_blend(float factor) {
  Blend blend{.factor = factor};
  const double excess = double{factor} - 1;
  Steps steps;
  if (!(std::fabs(excess) > 0 && std::fabs(excess) < 1) || !find_steps(factor, steps)) return blend;
  blend.shift = 15;
  while (std::fabs(excess) * std::ldexp(1.0, 10 + blend.shift) > 32760) --blend.shift;
  const auto nearest = std::lround(std::ldexp(excess, 10 + blend.shift));
  for (const long gain : {nearest, nearest + 1, nearest - 1, nearest + 2, nearest - 2}) {
    if (gain == 0) continue;
    blend.gain = static_cast<int16_t>(gain);
    if (find_bias(blend, steps)) {
      blend.whole = true;
      break;
    }
  }
  return blend;
}

}  // namespace popaug::simd
