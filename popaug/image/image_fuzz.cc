// Any bytes as an image: an error or an opaque picture; a JPEG reduced while it is decoded, too.
#include "popaug/image/image.h"
#include "popaug/image/internal/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  const DecodeLimits limits = {.side = 512, .pixels = 1 << 16};
  try {
    DecodeInfo info;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Image image = decode_image(bytes, "fuzz", &info, limits);
    for (size_t i = 3; i < image.size_bytes(); i += 4) POPAUG_ASSERT(image.data()[i] == 255);
    resize(image, 1 + image.width() / 2, 3);
    if (!codec::is_jpeg(bytes)) return 0;
    std::string exif;
    const codec::AtLeast a_third = {1 + image.width() / 3, 1 + image.height() / 3};
    const Image reduced = codec::decode_jpeg(bytes, "fuzz", info, limits, exif, a_third);
    POPAUG_ASSERT(reduced.size_bytes() <= image.size_bytes());
    for (size_t i = 3; i < reduced.size_bytes(); i += 4) POPAUG_ASSERT(reduced.data()[i] == 255);
  } catch (const Error&) {
  }
  return 0;
}
