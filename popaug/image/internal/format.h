// Which format the bytes of a file are of, and what is said about those that are not read.
#ifndef POPAUG_IMAGE_INTERNAL_FORMAT_H_
#define POPAUG_IMAGE_INTERNAL_FORMAT_H_

#include <string>
#include <string_view>

#include "popaug/base/base.h"

namespace popaug::codec {

bool is_bmp(std::string_view bytes);
bool is_pnm(std::string_view bytes);

// The sentence about a file that is none of the images that are read: what it is, as far as that
// is known, and how to convert it. `path` is empty if there is no such file.
std::string unread_format(std::string_view bytes, const std::string& origin, const fs::path& path);

}  // namespace popaug::codec

#endif  // POPAUG_IMAGE_INTERNAL_FORMAT_H_
