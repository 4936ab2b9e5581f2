// What is known of a set's pixels: statistics and fingerprint.
#include <cmath>

#include "popaug/data/data.h"

namespace popaug {
namespace {

void add_number(Hasher& hasher, uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> 8 * i & 0xFF);
  hasher.add(bytes);
}

}  // namespace

std::string fingerprint(const Dataset& data) {
  if (!data.known_fingerprint.empty()) return data.known_fingerprint;
  Hasher hasher;
  add_number(hasher, data.classes.size());
  for (const std::string& name : data.classes) hasher.add_field(name);
  add_number(hasher, data.splits.size());
  for (const Split& split : data.splits) {
    hasher.add_field(split.name);
    for (const int size : {split.width, split.height, split.channels}) {
      add_number(hasher, static_cast<uint64_t>(size));
    }
    add_number(hasher, split.count());
    for (const uint32_t label : split.labels) add_number(hasher, label);
    hasher.add_field({reinterpret_cast<const char*>(split.pixels.data()), split.pixels.size()});
  }
  return hasher.hex();
}

ChannelStatistics channel_statistics(const Split& split, std::span<const uint32_t> indices) {
  const size_t channels = static_cast<size_t>(split.channels);
  if (indices.empty()) throw Error("the statistics of no images were asked for");
  // At most 2^64 / 255^2 pixels: integer sums cannot overflow for any set that fits a disk.
  std::vector<uint64_t> sum(channels), squares(channels);
  for (const uint32_t index : indices) {
    POPAUG_ASSERT(index < split.count());
    const uint8_t* p = split.pixels.data() + index * split.image_bytes();
    const uint8_t* const end = p + split.image_bytes();
    for (; p != end; p += channels) {
      for (size_t c = 0; c < channels; ++c) {
        sum[c] += p[c];
        squares[c] += uint64_t{p[c]} * p[c];
      }
    }
  }
  const uint64_t n = indices.size() * uint64_t{1} * split.width * split.height;
  ChannelStatistics out;
  for (size_t c = 0; c < channels; ++c) {
    // n^2 times the variance, exactly: no difference of rounded numbers.
    using Wide = unsigned __int128;
    const Wide spread = Wide{n} * squares[c] - Wide{sum[c]} * sum[c];
    const double count = static_cast<double>(n);
    out.mean.push_back(static_cast<double>(sum[c]) / count / 255);
    out.std.push_back(std::sqrt(static_cast<double>(spread)) / count / 255);
  }
  return out;
}

}  // namespace popaug
