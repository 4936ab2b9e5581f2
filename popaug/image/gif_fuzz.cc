// Any bytes as a GIF image: an error or an opaque picture.
#include "popaug/image/internal/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  popaug::fuzz_format(data, size, "GIF");
  return 0;
}
