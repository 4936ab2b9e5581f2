#include "popaug/image/internal/samples.h"

#include <algorithm>
#include <cstdio>

namespace popaug::codec {
namespace {

constexpr int kFull = 65535;

uint8_t scaled(int value, int low, int high) {
  const int span = high - low, above = std::clamp(value, low, high) - low;
  return static_cast<uint8_t>((uint32_t(above) * 255 + uint32_t(span) / 2) / uint32_t(span));
}

std::string colour_name(const std::array<uint8_t, 3>& colour) {
  if (colour == std::array<uint8_t, 3>{0, 0, 0}) return "black";
  if (colour == std::array<uint8_t, 3>{255, 255, 255}) return "white";
  char text[8];
  std::snprintf(text, sizeof text, "#%02x%02x%02x", colour[0], colour[1], colour[2]);
  return text;
}

}  // namespace

uint8_t SixteenBits::colour(int sample) {
  low_ = std::min(low_, sample);
  high_ = std::max(high_, sample);
  return scaled(sample, rules_.low, rules_.high);
}

uint8_t SixteenBits::alpha(int sample) { return scaled(sample, 0, kFull); }

void SixteenBits::record(DecodeInfo& info) const {
  info.sample_low = low_;
  info.sample_high = high_;
  const std::string range = rules_.low == 0 && rules_.high == kFull
                                ? "(65535 becomes 255)"
                                : "(" + std::to_string(rules_.low) + " .. " +
                                      std::to_string(rules_.high) + " become 0 .. 255)";
  info.notes.push_back("16-bit samples scaled to 8 bits " + range);
}

void composite(Image& image, const DecodeRules& rules, DecodeInfo& info) {
  const auto& [red, green, blue] = rules.background;
  bool seen = false;
  uint8_t* const end = image.data() + image.size_bytes();
  for (uint8_t* p = image.data(); p != end; p += 4) {
    if (p[3] == 255) continue;
    seen = true;
    for (size_t c = 0; c < 3; ++c) {
      const int colour = p[c] * p[3] + rules.background[c] * (255 - p[3]);
      p[c] = static_cast<uint8_t>((colour + 127) / 255);
    }
    p[3] = 255;
  }
  if (!seen) return;
  info.notes.push_back("alpha composited on " + colour_name(rules.background));
  info.grey = info.grey && red == green && green == blue;
}

void cmyk_to_rgba(uint8_t* row, int width) {
  for (int x = 0; x < width; ++x) {
    uint8_t* p = row + 4 * x;
    const int paper = p[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - p[c]) * paper + 128;
      const int ink = ((product >> 8) + product) >> 8;
      p[c] = static_cast<uint8_t>(std::max(0, paper - ink));
    }
    p[3] = 255;
  }
}

}  // namespace popaug::codec
