// What is known of a set's pixels: statistics and fingerprint.
#include <cmath>
#include <cstring>

#include "popaug/data/internal/digest.h"

namespace popaug {
namespace {

void add_number(Hasher& hasher, uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> 8 * i & 0xFF);
  hasher.add(bytes);
}

}  // namespace

Digest digest_of(std::span<const uint8_t> bytes) {
  const std::string hex = hash_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const auto nibble = [&](size_t i) { return hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10; };
  Digest digest;
  for (size_t i = 0; i < kDigestBytes; ++i) {
    digest[i] = static_cast<uint8_t>(nibble(2 * i) << 4 | nibble(2 * i + 1));
  }
  return digest;
}

std::vector<Digest> digests_of(const ImageSet& split, int threads) {
  std::vector<Digest> digests(split.count());
  if (!split.digests.empty()) {
    std::memcpy(digests.data(), split.digests.data(), split.digests.size());
    return digests;
  }
  constexpr size_t kGrain = 256;
  parallel_for(
      split.count(), threads > 0 ? threads : available_cores(),
      [&](size_t i) {
        digests[i] = digest_of(split.pixels.subspan(i * split.image_bytes(), split.image_bytes()));
      },
      kGrain);
  return digests;
}

std::string fingerprint_of(const Dataset& data,
                           const std::vector<std::span<const uint8_t>>& digests) {
  Hasher hasher;
  hasher.add_field("popaug-data-1");
  add_number(hasher, data.classes.size());
  for (const std::string& name : data.classes) hasher.add_field(name);
  add_number(hasher, data.splits.size());
  for (size_t s = 0; s < data.splits.size(); ++s) {
    const ImageSet& split = data.splits[s];
    hasher.add_field(split.name);
    for (const int size : {split.width, split.height, split.channels}) {
      add_number(hasher, static_cast<uint64_t>(size));
    }
    add_number(hasher, split.count());
    for (const uint32_t label : split.labels) add_number(hasher, label);
    hasher.add_field({reinterpret_cast<const char*>(digests[s].data()), digests[s].size()});
  }
  return hasher.hex();
}

std::string fingerprint(const Dataset& data) {
  if (!data.known_fingerprint.empty()) return data.known_fingerprint;
  std::vector<std::vector<Digest>> digests;
  std::vector<std::span<const uint8_t>> views;
  for (const ImageSet& split : data.splits) {
    digests.push_back(digests_of(split, 0));
    views.emplace_back(digests.back().empty() ? nullptr : digests.back()[0].data(),
                       digests.back().size() * kDigestBytes);
  }
  return fingerprint_of(data, views);
}

std::string fingerprint(const ImageSet& split) {
  Hasher hasher;
  hasher.add_field("popaug-split-1");
  for (const int size : {split.width, split.height, split.channels}) {
    add_number(hasher, static_cast<uint64_t>(size));
  }
  for (const Digest& digest : digests_of(split, 0)) {
    hasher.add({reinterpret_cast<const char*>(digest.data()), digest.size()});
  }
  return hasher.hex();
}

ChannelStatistics channel_statistics(const ImageSet& split, std::span<const uint32_t> indices) {
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
