// Text as other programs write it, brought to one form: UTF-8, composed.
#ifndef POPAUG_BASE_UNICODE_H_
#define POPAUG_BASE_UNICODE_H_

#include <string>
#include <string_view>

#include "popaug/base/file.h"

namespace popaug {

// Unicode's normalisation form C: the letter e with a combining accent and the letter é are the
// same text afterwards. Bytes that are not UTF-8 stay as they are.
std::string normalize_nfc(std::string_view text);

// Small letters for capital ones, one for one, in every script. Bytes that are not UTF-8 stay.
std::string lower_case(std::string_view text);

// The bytes of a text file as UTF-8: a byte order mark is taken off; UTF-16 is converted, which is
// known by its byte order mark, or by the zero bytes of its first ASCII letters. Throws Error
// starting with `origin` for broken UTF-16. Anything else is left as it is.
std::string decode_text(std::string bytes, const std::string& origin);

// read_file(), then decode_text().
std::string read_text_file(const fs::path& path, uint64_t limit = uint64_t{1} << 31);

}  // namespace popaug

#endif  // POPAUG_BASE_UNICODE_H_
