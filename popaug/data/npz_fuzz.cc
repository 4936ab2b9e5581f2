// NumPy archives.
#include "popaug/data/internal/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  using namespace popaug::source;
  try {
    Memory memory = fuzz_memory();
    const Source source = parse_npz(fuzz_text(data, size), "a", memory);
    for (const SourceSplit& one : source.splits) check(one.split, source.classes.size());
  } catch (const Error&) {
  }
  return 0;
}
