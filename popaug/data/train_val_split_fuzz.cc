// Split files, for a set of eight images in two classes.
#include "popaug/data/internal/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace popaug;
  using namespace popaug::source;
  try {
    Dataset set;
    set.path = "set";
    set.classes = {"a", "b"};
    ImageSet train;
    train.name = "train";
    train.width = train.height = 1;
    train.channels = 1;
    train.labels = {0, 0, 0, 0, 1, 1, 1, 1};
    static const std::vector<uint8_t> pixels(8);
    train.pixels = pixels;
    set.splits = {train};
    const TrainValSplit division = parse_split(fuzz_text(data, size), "a", set);
    for (const uint32_t i : division.train) POPAUG_ASSERT(i < train.count());
    for (const uint32_t i : division.validation) POPAUG_ASSERT(i < train.count());
  } catch (const Error&) {
  }
  return 0;
}
