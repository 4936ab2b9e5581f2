// Unsigned integers inside a file, by offset; the caller has made sure that they are there.
#ifndef POPAUG_IMAGE_INTERNAL_LITTLE_ENDIAN_H_
#define POPAUG_IMAGE_INTERNAL_LITTLE_ENDIAN_H_

#include <cstdint>
#include <string_view>

#include "popaug/base/base.h"

namespace popaug::codec {

inline uint8_t byte_at(std::string_view bytes, size_t offset) {
  return static_cast<uint8_t>(bytes[offset]);
}

// `size` bytes, 1..4, least first.
inline uint32_t little_endian(std::string_view bytes, size_t offset, size_t size) {
  POPAUG_ASSERT(offset <= bytes.size() && bytes.size() - offset >= size);
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= uint32_t{byte_at(bytes, offset + i)} << 8 * i;
  return value;
}

}  // namespace popaug::codec

#endif  // POPAUG_IMAGE_INTERNAL_LITTLE_ENDIAN_H_
