// The bytes of a packed set (docs/formats/packed.md), for its reader and its
// writer.
#ifndef POPAUG_DATA_INTERNAL_PACKED_FORMAT_H_
#define POPAUG_DATA_INTERNAL_PACKED_FORMAT_H_

#include <cstdint>
#include <cstring>
#include <string_view>

namespace popaug::packed {

// As in PNG: bytes that a transfer as text would damage.
constexpr std::string_view kMagic("\x89PAUG\r\n\x1A", 8);
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 64;
constexpr uint64_t kPage = 4096;  // images of a split begin at a page
constexpr uint64_t kTable = 64;   // tables begin at a multiple of this

// The first 64 bytes. Integers are little-endian, as on every machine that popaug runs on.
struct Header {
  char magic[8];
  uint32_t version;
  uint32_t zero;
  uint64_t json_offset, json_bytes;
  uint8_t json_digest[16];
  uint8_t header_digest[16];  // of the 48 bytes before
};
static_assert(sizeof(Header) == kHeaderBytes);

constexpr uint64_t round_up(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

}  // namespace popaug::packed

#endif  // POPAUG_DATA_INTERNAL_PACKED_FORMAT_H_
