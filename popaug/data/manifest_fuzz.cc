// CSV and TSV manifests.
#include "popaug/data/internal/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  using namespace popaug::source;
  try {
    const Source source = parse_manifest(fuzz_text(data, size), "a.csv", {});
    for (const SourceSplit& one : source.splits) {
      POPAUG_ASSERT(one.files.size() == one.count() && one.lines.size() == one.count());
      for (const uint32_t label : one.split.labels) POPAUG_ASSERT(label < source.classes.size());
    }
  } catch (const Error&) {
  }
  return 0;
}
