// Any bytes as an image: an error or an opaque picture.
#include "popaug/image/image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  const DecodeLimits limits = {.side = 512, .pixels = 1 << 16};
  try {
    DecodeInfo info;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Image image = decode_image(bytes, "fuzz", &info, limits);
    for (size_t i = 3; i < image.size_bytes(); i += 4) POPAUG_ASSERT(image.data()[i] == 255);
    resize(image, 1 + image.width() / 2, 3);
  } catch (const Error&) {
  }
  return 0;
}
