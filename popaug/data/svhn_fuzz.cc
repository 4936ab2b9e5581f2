// MAT-files with the two arrays of SVHN.
#include "popaug/data/internal/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  using namespace popaug::source;
  try {
    Memory memory = fuzz_memory();
    check(parse_svhn(fuzz_text(data, size), "a", "train", memory).split, 10);
  } catch (const Error&) {
  }
  return 0;
}
