#include "popaug/augment/internal/table_plain.h"

#include <numeric>

namespace popaug::plain {

Table identity_table() {
  Table table;
  std::iota(table.begin(), table.end(), uint8_t{0});
  return table;
}

Histogram histogram_of(const Image& image, int channel) {
  Histogram counts{};
  for (size_t i = 0; i < image.size_bytes(); i += 4) ++counts[image.data()[i + channel]];
  return counts;
}

void apply_tables(Image& image, const std::array<Table, 3>& tables) {
  for (size_t i = 0; i < image.size_bytes(); i += 4) {
    uint8_t* pixel = image.data() + i;
    for (int c = 0; c < 3; ++c) pixel[c] = tables[c][pixel[c]];
    pixel[3] = 255;
  }
}

void apply_table(Image& image, const Table& table) { apply_tables(image, {table, table, table}); }

}  // namespace popaug::plain
