// Ops that map each channel through a table of 256 bytes. The published pipeline sends them through
// RGB and back, so every pixel ends opaque: a hole becomes the colour that lay underneath.
#include <algorithm>
#include <numeric>

#include "popaug/augment/ops_plain.h"

namespace popaug::plain {
namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<uint32_t, 256>;

void apply_table(Image& image, int channel, const Table& table) {
  uint8_t* bytes = image.data();
  for (size_t i = 0; i < image.size_bytes(); i += 4) bytes[i + channel] = table[bytes[i + channel]];
}

void make_opaque(Image& image) {
  for (size_t i = 3; i < image.size_bytes(); i += 4) image.data()[i] = 255;
}

template <typename Map>
void apply_to_all(Image& image, Map map) {
  Table table;
  for (int i = 0; i < 256; ++i) table[i] = map(i);
  for (int channel = 0; channel < 3; ++channel) apply_table(image, channel, table);
  make_opaque(image);
}

Histogram histogram_of(const Image& image, int channel) {
  Histogram counts{};
  for (size_t i = 0; i < image.size_bytes(); i += 4) ++counts[image.data()[i + channel]];
  return counts;
}

Table unchanged() {
  Table table;
  std::iota(table.begin(), table.end(), uint8_t{0});
  return table;
}

// Pillow's ImageOps.equalize: the last occupied bin does not count towards the step.
Table equalize_table(const Histogram& counts) {
  uint32_t total = 0, last = 0;
  int occupied = 0;
  for (const uint32_t count : counts) {
    if (count == 0) continue;
    total += count;
    last = count;
    ++occupied;
  }
  const uint32_t step = (total - last) / 255;
  if (occupied <= 1 || step == 0) return unchanged();
  Table table;
  uint32_t sum = step / 2;
  for (int i = 0; i < 256; ++i) {
    table[i] = static_cast<uint8_t>(std::min<uint32_t>(sum / step, 255));
    sum += counts[i];
  }
  return table;
}

// Pillow's ImageOps.autocontrast with cutoff 0, in double as there.
Table auto_contrast_table(const Histogram& counts) {
  int low = 0, high = 255;
  while (low < 256 && counts[low] == 0) ++low;
  while (high >= 0 && counts[high] == 0) --high;
  if (high <= low) return unchanged();
  const double scale = 255.0 / (high - low);
  const double offset = -low * scale;
  Table table;
  for (int i = 0; i < 256; ++i) {
    table[i] = static_cast<uint8_t>(std::clamp(static_cast<int>(i * scale + offset), 0, 255));
  }
  return table;
}

}  // namespace

void invert(Image& image, double, OpContext&) {
  apply_to_all(image, [](int i) { return static_cast<uint8_t>(255 - i); });
}

void posterize(Image& image, double bits, OpContext&) {
  const int kept = static_cast<int>(bits);
  const int mask = ~((1 << (8 - kept)) - 1);
  apply_to_all(image, [mask](int i) { return static_cast<uint8_t>(i & mask); });
}

void solarize(Image& image, double threshold, OpContext&) {
  apply_to_all(image,
               [threshold](int i) { return static_cast<uint8_t>(i < threshold ? i : 255 - i); });
}

void equalize(Image& image, double, OpContext&) {
  for (int channel = 0; channel < 3; ++channel) {
    apply_table(image, channel, equalize_table(histogram_of(image, channel)));
  }
  make_opaque(image);
}

void auto_contrast(Image& image, double, OpContext&) {
  for (int channel = 0; channel < 3; ++channel) {
    apply_table(image, channel, auto_contrast_table(histogram_of(image, channel)));
  }
  make_opaque(image);
}

}  // namespace popaug::plain
