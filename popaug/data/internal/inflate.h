// Deflated bytes back, never more than was announced.
#ifndef POPAUG_DATA_INTERNAL_INFLATE_H_
#define POPAUG_DATA_INTERNAL_INFLATE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "popaug/data/internal/memory.h"

namespace popaug {

bool is_gzip(std::string_view bytes);

// gzip or zlib data (by its first bytes). The first `size` bytes, or fewer if it ends before.
// Throws Error naming `origin` for broken data.
std::string inflate_prefix(std::string_view bytes, size_t size, const std::string& origin);

// All of it, which must be exactly `size` bytes, with a good checksum and nothing after it.
source::Memory::Block inflate_exactly(std::string_view bytes, uint64_t size,
                                      const std::string& origin, source::Memory& memory);

}  // namespace popaug

#endif  // POPAUG_DATA_INTERNAL_INFLATE_H_
