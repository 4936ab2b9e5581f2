// The chunks of a PNG file that make its pixels, taken out of those beside them.
#ifndef POPAUG_IMAGE_INTERNAL_PNG_CHUNKS_H_
#define POPAUG_IMAGE_INTERNAL_PNG_CHUNKS_H_

#include <string>
#include <string_view>

#include "popaug/image/image.h"

namespace popaug::codec {

// `bytes` (which begin as a PNG file does) with only the chunks that decide pixels: IHDR, the
// palette of indexed images, tRNS, IDAT, IEND, and an EXIF block that is not damaged. Whatever else
// is in the file, broken or not, then cannot make it unreadable. A file that ends early gets its
// end, so that the decoder can tell whether pixels are missing. Adds to info.irregular what is
// damaged beside the pixels. Throws Error if transparency is damaged.
std::string pixel_chunks(std::string_view bytes, const std::string& origin, DecodeInfo& info);

}  // namespace popaug::codec

#endif  // POPAUG_IMAGE_INTERNAL_PNG_CHUNKS_H_
