// Bits as base64, for a journal. Private to the room.
#ifndef POPAUG_SEARCH_INTERNAL_BITS_BASE64_H_
#define POPAUG_SEARCH_INTERNAL_BITS_BASE64_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace popaug {

// One bit per validation image (1: labelled correctly) as text, and back.
std::string bits_to_base64(const std::vector<uint8_t>& bits);
std::vector<uint8_t> bits_from_base64(std::string_view text, size_t count,
                                      const std::string& origin);

}  // namespace popaug

#endif  // POPAUG_SEARCH_INTERNAL_BITS_BASE64_H_
