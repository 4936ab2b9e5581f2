// A 16-byte hash of one image's pixels, the same for the same pixels.
#ifndef POPAUG_DATA_INTERNAL_DIGEST_H_
#define POPAUG_DATA_INTERNAL_DIGEST_H_

#include <array>
#include <cstdint>
#include <span>

#include "popaug/data/dataset.h"

namespace popaug {

constexpr size_t kDigestBytes = 16;
using Digest = std::array<uint8_t, kDigestBytes>;

// XXH3-128 of the bytes, in the order of its hexadecimal form.
Digest digest_of(std::span<const uint8_t> bytes);
// Of every image of a split, one after another: as its packed file records them, else computed on
// all cores. A packed set is so never read through for them.
std::vector<Digest> digests_of(const ImageSet& split, int threads);

// The fingerprint of `data` when the digests of each split are known.
std::string fingerprint_of(const Dataset& data,
                           const std::vector<std::span<const uint8_t>>& digests);

}  // namespace popaug

#endif  // POPAUG_DATA_INTERNAL_DIGEST_H_
