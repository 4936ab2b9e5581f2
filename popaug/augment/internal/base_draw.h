// The draws of the base transforms from any stream of words, in the order that sampler.h states:
// Sampler's Random and the engine's WordStream use the same functions.
#ifndef POPAUG_AUGMENT_INTERNAL_BASE_DRAW_H_
#define POPAUG_AUGMENT_INTERNAL_BASE_DRAW_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

#include "popaug/augment/sampler.h"

namespace popaug::base_draw {

// Standard normal by Box and Muller, of two uniform numbers.
template <typename Stream>
double normal(Stream& stream) {
  const double u = 1.0 - stream.uniform();  // in (0, 1]: the logarithm is finite
  const double v = stream.uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

// The logarithm of a draw from Gamma(shape): Marsaglia and Tsang (2000) for shape + 1, times
// U^(1 / shape). In logarithms, because small shapes give numbers that no double holds.
template <typename Stream>
double log_gamma_draw(Stream& stream, double shape) {
  const double d = shape + 1 - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal(stream);
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = 1.0 - stream.uniform();
    if (std::log(u) >= 0.5 * x * x + d - d * v + d * std::log(v)) continue;
    return std::log(d * v) + std::log(1.0 - stream.uniform()) / shape;
  }
}

// Beta(alpha, alpha): uniform() where alpha is 1, else by two gamma draws.
template <typename Stream>
double beta(Stream& stream, double alpha) {
  if (alpha == 1) return stream.uniform();
  const double a = log_gamma_draw(stream, alpha), b = log_gamma_draw(stream, alpha);
  return 1 / (1 + std::exp(b - a));
}

// torchvision's rule: up to ten tries at an area (uniform) and a ratio of height to width (uniform
// in its logarithm), sides rounded; the first that is smaller than the image gets a uniform place.
template <typename Stream>
void erase(const BaseTransforms& base, int width, int height, Stream& stream, BaseDraw& draw) {
  if (!stream.chance(base.erase)) return;
  const double area = static_cast<double>(width) * height;
  const double low = std::log(base.erase_ratio), high = -low;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double share = base.erase_least + (base.erase_most - base.erase_least) * stream.uniform();
    const double ratio = std::exp(low + (high - low) * stream.uniform());
    const double h = std::nearbyint(std::sqrt(area * share * ratio));
    const double w = std::nearbyint(std::sqrt(area * share / ratio));
    if (!(h >= 1 && w >= 1 && h < height && w < width)) continue;
    const auto rows = static_cast<uint32_t>(height - static_cast<int>(h) + 1);
    const auto columns = static_cast<uint32_t>(width - static_cast<int>(w) + 1);
    draw.erase.top = static_cast<int>(stream.below(rows));
    draw.erase.left = static_cast<int>(stream.below(columns));
    draw.erase.bottom = draw.erase.top + static_cast<int>(h);
    draw.erase.right = draw.erase.left + static_cast<int>(w);
    if (base.erase_fill == EraseFill::kNoise) {
      const uint64_t word = stream.next32();
      draw.noise_seed = word | uint64_t{stream.next32()} << 32;
    }
    return;
  }
}

template <typename Stream>
BaseDraw place(const BaseTransforms& base, int width, int height, Stream& stream) {
  BaseDraw draw;
  if (base.pad > 0) {
    const auto offsets = static_cast<uint32_t>(2 * base.pad + 1);
    draw.crop_x = static_cast<int>(stream.below(offsets));
    draw.crop_y = static_cast<int>(stream.below(offsets));
  }
  if (base.flip > 0) draw.flip = stream.chance(base.flip);
  if (base.vflip > 0) draw.vflip = stream.chance(base.vflip);
  if (base.turn > 0 && stream.chance(base.turn)) {
    draw.turns = 1 + static_cast<int>(stream.below(3));
  }
  if (base.cutout > 0) {
    draw.cutout_x = static_cast<int>(stream.below(static_cast<uint32_t>(width)));
    draw.cutout_y = static_cast<int>(stream.below(static_cast<uint32_t>(height)));
  }
  if (base.erase > 0) erase(base, width, height, stream, draw);
  return draw;
}

// The box of CutMix (Yun et al. 2019, arXiv 1905.04899, and its published code): sides in the
// proportions of the image, area 1 - share of it, around a uniform centre, clipped.
template <typename Stream>
PixelBox cutmix_box(double share, int width, int height, Stream& stream) {
  const double side = std::sqrt(1 - share);
  const int half_width = static_cast<int>(width * side) / 2;
  const int half_height = static_cast<int>(height * side) / 2;
  const int x = static_cast<int>(stream.below(static_cast<uint32_t>(width)));
  const int y = static_cast<int>(stream.below(static_cast<uint32_t>(height)));
  return {.left = std::max(x - half_width, 0),
          .top = std::max(y - half_height, 0),
          .right = std::min(x + half_width, width),
          .bottom = std::min(y + half_height, height)};
}

template <typename Stream>
MixDraw mix(const BaseTransforms& base, int width, int height, Stream& stream) {
  MixDraw draw;
  const bool cutmix = base.cutmix > 0 && stream.chance(base.cutmix);
  const bool mixup = base.mixup > 0 && stream.chance(base.mixup);
  if (cutmix && (!mixup || (stream.next32() & 1) == 0)) {
    draw.kind = MixKind::kCutMix;
    draw.box = cutmix_box(beta(stream, base.cutmix_alpha), width, height, stream);
    const double area = static_cast<double>(width) * height;
    draw.share = 1 - draw.box.area() / area;
  } else if (mixup) {
    draw.kind = MixKind::kMixup;
    draw.weight = static_cast<int>(std::floor(256 * beta(stream, base.mixup_alpha) + 0.5));
    draw.share = draw.weight / 256.0;
  }
  return draw;
}

// `epoch` has an image other than `own` (check_partners).
template <typename Stream>
uint32_t pick_partner(std::span<const uint32_t> epoch, uint32_t own, Stream& stream) {
  for (;;) {
    const uint32_t drawn = epoch[stream.below(static_cast<uint32_t>(epoch.size()))];
    if (drawn != own) return drawn;
  }
}

}  // namespace popaug::base_draw

#endif  // POPAUG_AUGMENT_INTERNAL_BASE_DRAW_H_
