// Parts of JPEG files.
#ifndef POPAUG_IMAGE_INTERNAL_JPEG_PART_H_
#define POPAUG_IMAGE_INTERNAL_JPEG_PART_H_

#include <optional>
#include <string>
#include <string_view>

#include "popaug/image/part.h"

namespace popaug::codec {

// The part of a JPEG that `choose` names, if it can be decoded without the rest: a sequential file
// of one scan in grey or colour, stored upright. Else nothing, and `choose` is not called.
std::optional<Image> decode_jpeg_part(std::string_view bytes, const std::string& origin,
                                      DecodeInfo& info, const DecodeLimits& limits,
                                      const ChoosePart& choose);

}  // namespace popaug::codec

#endif  // POPAUG_IMAGE_INTERNAL_JPEG_PART_H_
