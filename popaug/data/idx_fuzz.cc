// IDX: images and labels, gzipped or not.
#include "popaug/data/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  using namespace popaug::source;
  try {
    auto [images, labels] = fuzz_pair(fuzz_text(data, size));
    const SourceSplit split =
        parse_idx(std::move(images), std::move(labels), "a", "b", "train", fuzz_options());
    check(split.split, 256);
  } catch (const Error&) {
  }
  return 0;
}
