// Batches of CIFAR-10 (first byte even) and CIFAR-100 (odd).
#include "popaug/data/internal/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  using namespace popaug::source;
  try {
    if (size == 0) return 0;
    const size_t label_bytes = 1 + data[0] % 2;
    const std::string file(fuzz_text(data, size).substr(1));
    Memory memory = fuzz_memory();
    check(parse_cifar({file}, {"a"}, label_bytes, "train", memory).split,
          label_bytes == 1 ? 10 : 100);
  } catch (const Error&) {
  }
  return 0;
}
