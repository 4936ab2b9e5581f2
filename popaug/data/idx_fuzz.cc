// IDX: images and labels, gzipped or not.
#include "popaug/data/internal/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  using namespace popaug::source;
  try {
    const auto [images, labels] = fuzz_pair(fuzz_text(data, size));
    Memory memory = fuzz_memory();
    const SourceSplit split = parse_idx(images, labels, "a", "b", "train", memory);
    check(split.split, 256);
  } catch (const Error&) {
  }
  return 0;
}
